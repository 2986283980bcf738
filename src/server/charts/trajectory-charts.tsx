/**
 * An experiment's way to its decision: evidence, uplift, scores and shares over the units folded.
 */
import type { Trajectory, TrajectoryComparison } from "../../core/decision/trajectory.js";
import { count, evidence, percent, signedPoints } from "../../core/words/numbers.js";
import { type Line, LineChart, type LinePoint, type Mark, type ReferenceLine } from "./line-chart.js";
import { shortPoints } from "./short-text.js";

/** What the charts of a trajectory are drawn from. */
export interface TrajectoryChartProps extends Trajectory {
  readonly minUplift: number;
  /** names of the arms, the champion's first */
  readonly names: readonly string[];
  /** the arm that was promoted, or waits for it; null for none */
  readonly promoted: number | null;
  readonly isAwaitingApproval: boolean;
  readonly prefix: string;
}

const SESSIONS = { label: "sessions", text: (value: number) => count(Math.round(value)) } as const;

const nameOf = ({ names }: TrajectoryChartProps, arm: number): string => names[arm] ?? `arm ${arm}`;

/** The arms of the challengers that are drawn. */
const challengersIn = ({ points }: TrajectoryChartProps): readonly number[] =>
  points[0]?.perChallenger.map(({ arm }) => arm) ?? [];

function challengerLine(
  props: TrajectoryChartProps,
  arm: number,
  pointOf: (challenger: TrajectoryComparison) => Omit<LinePoint, "x">,
): Line {
  const points = props.points.flatMap(({ index, perChallenger }) => {
    const challenger = perChallenger.find((each) => each.arm === arm);
    return challenger === undefined ? [] : [{ x: index, ...pointOf(challenger) }];
  });
  return { arm, name: nameOf(props, arm), points };
}

/** Powers of ten as ticks of a logarithm, and no more than six of them. */
function decades(low: number, high: number): number[] {
  const [from, to] = [Math.ceil(low / Math.LN10), Math.floor(high / Math.LN10)];
  const step = Math.max(1, Math.ceil((to - from + 1) / 6));
  const first = Math.ceil(from / step) * step;
  return Array.from(
    { length: Math.max(0, Math.floor((to - first) / step) + 1) },
    (_, k) => (first + k * step) * Math.LN10,
  );
}

/** An e-value of a decade: "0.01x", "1x", "1,000x". */
const decadeText = (logE: number): string => evidence(logE).replace(/\.0+x$/, "x");

function promotedMark(props: TrajectoryChartProps, lines: readonly Line[]): readonly Mark[] {
  const { promoted, isAwaitingApproval } = props;
  const last = lines.find(({ arm }) => arm === promoted)?.points.at(-1);
  if (last === undefined) return [];
  return [{ x: last.x, y: last.y, label: isAwaitingApproval ? "awaits approval" : "promoted", tone: "good" }];
}

/** One in how many equal challengers gets this far. */
const oneIn = (logLine: number): string => `1 in ${count(Math.round(Math.exp(logLine)))}`;

/** The evidence that a challenger is better, on a logarithmic axis, with the line at which it is promoted. */
export function EvidenceChart(props: TrajectoryChartProps) {
  const { logLinePromote, logLineHarm, points, prefix } = props;
  const challengers = challengersIn(props);
  const better = challengers.map((arm) =>
    challengerLine(props, arm, ({ logEPromote }) => ({ y: logEPromote })),
  );
  const ys = better.flatMap((each) => each.points.map(({ y }) => y)).filter(Number.isFinite);
  const low = Math.min(-Math.LN10, ...ys);
  const high = Math.max(logLinePromote * 1.18, ...ys.map((y) => y * 1.05));
  const last = points.at(-1)?.perChallenger[0];
  const references: ReferenceLine[] = [
    {
      y: logLinePromote,
      label: `promotes at ${decadeText(logLinePromote)} (${oneIn(logLinePromote)})`,
      tone: "good",
    },
    { y: 0, label: "no evidence either way", tone: "neutral", side: "right" },
  ];
  return (
    <LineChart
      id={`${prefix}-evidence`}
      title="Evidence that the challenger is better"
      description={`After ${count(points.at(-1)?.index ?? 0)} sessions the evidence stands at ${evidence(last?.logEPromote ?? 0)}; a promotion takes ${decadeText(logLinePromote)}, which an equal challenger ever reaches in at most ${oneIn(logLinePromote)} experiments. Harm aborts at ${decadeText(logLineHarm)}.`}
      legend={better.map(({ arm, name, points: own }) => ({
        arm,
        name,
        value: evidence(own.at(-1)?.y ?? 0),
      }))}
      lines={better}
      x={SESSIONS}
      y={{ label: "evidence", text: evidenceText, domain: [low, high], ticks: decades(low, high) }}
      references={references}
      marks={promotedMark(props, better)}
    />
  );
}

/** A tick is a round number, a value is not. */
function evidenceText(logE: number): string {
  const isDecade = Math.abs(logE / Math.LN10 - Math.round(logE / Math.LN10)) < 1e-9;
  return isDecade ? decadeText(logE) : evidence(logE);
}

/** The evidence that a challenger is worse, with the line at which it is aborted. */
export function HarmChart(props: TrajectoryChartProps) {
  const { logLineHarm, points, prefix } = props;
  const worse = challengersIn(props).map((arm) =>
    challengerLine(props, arm, ({ logEHarm }) => ({ y: logEHarm })),
  );
  const ys = worse.flatMap((each) => each.points.map(({ y }) => y)).filter(Number.isFinite);
  const low = Math.min(-Math.LN10, ...ys);
  const high = Math.max(logLineHarm * 1.25, ...ys.map((y) => y * 1.05));
  const last = points.at(-1)?.perChallenger[0];
  return (
    <LineChart
      id={`${prefix}-harm`}
      title="Evidence that the challenger is worse"
      description={`After ${count(points.at(-1)?.index ?? 0)} sessions it stands at ${evidence(last?.logEHarm ?? 0)}; at ${decadeText(logLineHarm)} the experiment is aborted.`}
      legend={worse.map(({ arm, name, points: own }) => ({ arm, name, value: evidence(own.at(-1)?.y ?? 0) }))}
      lines={worse}
      x={SESSIONS}
      y={{ label: "evidence", text: evidenceText, domain: [low, high], ticks: decades(low, high) }}
      references={[
        {
          y: logLineHarm,
          label: `aborts at ${decadeText(logLineHarm)} (${oneIn(logLineHarm)})`,
          tone: "bad",
        },
        { y: 0, label: "no evidence either way", tone: "neutral", side: "right" },
      ]}
    />
  );
}

/** Heights at which an interval that closes in is worth looking at: not the first ones, which reach from -100 to 100. */
function upliftDomain(lines: readonly Line[], minUplift: number): readonly [number, number] {
  const later = lines.flatMap(({ points }) => points.slice(Math.floor(points.length / 4)));
  const ends = later.flatMap(({ low = -1, high = 1 }) => [low, high]);
  const size = Math.max(0.02, Math.abs(minUplift) * 1.5, ...ends.map(Math.abs));
  return [-Math.min(1, size * 1.08), Math.min(1, size * 1.08)];
}

/** The uplift and the confidence sequence that closes in on it: true at all times at once with 95 %. */
export function UpliftChart(props: TrajectoryChartProps) {
  const { minUplift, prefix, points } = props;
  const lines = challengersIn(props).map((arm) =>
    challengerLine(props, arm, ({ upliftMean, upliftInterval: [low, high] }) => ({
      y: upliftMean,
      low,
      high,
    })),
  );
  const domain = upliftDomain(lines, minUplift);
  const [low, high] = domain;
  const held = lines.map((each) => ({
    ...each,
    points: each.points.map((point) => within(point, low, high)),
  }));
  const last = points.at(-1)?.perChallenger[0];
  const [from, to] = last?.upliftInterval ?? [-1, 1];
  return (
    <LineChart
      id={`${prefix}-uplift`}
      title="Uplift of the challenger over the champion"
      description={`Challenger less champion: ${signedPoints(last?.upliftMean ?? 0)}, between ${signedPoints(from)} and ${signedPoints(to)} with 95 % at all times at once.`}
      legend={lines.map(({ arm, name, points: own }) => ({
        arm,
        name,
        value: signedPoints(own.at(-1)?.y ?? 0),
      }))}
      lines={held}
      x={SESSIONS}
      y={{ label: "points", text: shortPoints, domain }}
      references={[
        { y: 0, label: "no difference", tone: "neutral", side: "right" },
        ...(minUplift === 0
          ? []
          : [{ y: minUplift, label: `must be above ${signedPoints(minUplift)}`, tone: "good" as const }]),
      ]}
    />
  );
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** A point whose band ends where the plane does. */
function within(point: LinePoint, from: number, to: number): LinePoint {
  const { y, low = y, high = y } = point;
  return { x: point.x, y: clamp(y, from, to), low: clamp(low, from, to), high: clamp(high, from, to) };
}

/** The arms' mean scores, each with its 95 % interval. */
export function ScoresChart(props: TrajectoryChartProps) {
  const arms = props.points[0]?.arms.map(({ arm }) => arm) ?? [];
  const lines = arms.map((arm): Line => {
    const points = props.points.flatMap(({ index, arms: all }) => {
      const own = all.find((each) => each.arm === arm);
      return own === undefined || own.sessionCount === 0
        ? []
        : [{ x: index, y: own.mean, low: own.interval[0], high: own.interval[1] }];
    });
    return { arm, name: nameOf(props, arm), points };
  });
  const told = lines.map(({ name, points }) => `${name} ${percent(points.at(-1)?.y ?? Number.NaN)}`);
  return (
    <LineChart
      id={`${props.prefix}-scores`}
      title="Score of each arm"
      description={`Mean score with its 95 % interval as sessions came in; now ${told.join(", ")}.`}
      legend={lines.map(({ arm, name, points }) => ({
        arm,
        name,
        value: percent(points.at(-1)?.y ?? Number.NaN),
      }))}
      lines={lines}
      x={SESSIONS}
      y={{ label: "mean score", text: (value) => percent(value, 0) }}
    />
  );
}

/** The challengers' share of the sessions, together, as it was when each was assigned. */
export function SharesChart(props: TrajectoryChartProps) {
  const challengers = challengersIn(props);
  const name = challengers.length === 1 ? nameOf(props, challengers[0] as number) : "challengers together";
  const points = props.points.map(({ index, share }) => ({ x: index, y: share }));
  const now = percent(points.at(-1)?.y ?? 0);
  const most = Math.max(0.1, ...points.map(({ y }) => y));
  return (
    <LineChart
      id={`${props.prefix}-shares`}
      title="Share of the sessions"
      description={`The part of the sessions that the ${name} got, as each was assigned; last ${now}.`}
      legend={[{ arm: 1, name, value: now }]}
      lines={[{ arm: 1, name, points, isStep: true }]}
      x={SESSIONS}
      y={{ label: "share", text: (value) => percent(value, 0), domain: [0, Math.min(1, most * 1.15)] }}
      height={180}
    />
  );
}
