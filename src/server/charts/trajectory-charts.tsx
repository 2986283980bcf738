/**
 * An experiment's way to its decision: uplift, scores and shares over the units folded.
 */
import type { Trajectory, TrajectoryComparison } from "../../core/decision/trajectory.js";
import { count, percent, signedPoints } from "../../core/words/numbers.js";
import { type Line, LineChart, type LinePoint } from "./line-chart.js";
import { shortPoints } from "./short-text.js";

/** What the charts of a trajectory are drawn from. */
export interface TrajectoryChartProps extends Trajectory {
  readonly minUplift: number;
  /** whether the evidence decides; under the plain rule it does not */
  readonly isDeciding: boolean;
  /** the challenger that leads, by its arm */
  readonly leading: number;
  /** names of the arms, the champion's first */
  readonly names: readonly string[];
  /** the arm that was promoted, or waits for it; null for none */
  readonly promoted: number | null;
  readonly isAwaitingApproval: boolean;
  readonly prefix: string;
}

/** The axis of units folded. */
export const SESSIONS = { label: "sessions", text: (value: number) => count(Math.round(value)) } as const;

const nameOf = ({ names }: TrajectoryChartProps, arm: number): string => names[arm] ?? `arm ${arm}`;

/** The arms of the challengers that are drawn. */
export const challengersIn = ({ points }: TrajectoryChartProps): readonly number[] =>
  points[0]?.perChallenger.map(({ arm }) => arm) ?? [];

/** A number of a challenger over the units. */
export function challengerLine(
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

/** What is worth looking at of lines that close in: not their first points, whose bands reach over everything. */
const laterPoints = (lines: readonly Line[]): readonly LinePoint[] =>
  lines.flatMap(({ points }) => points.slice(Math.floor(points.length / 4)));

function upliftDomain(lines: readonly Line[], minUplift: number): readonly [number, number] {
  const ends = laterPoints(lines).flatMap(({ y, low = y, high = y }) => [low, high]);
  const size = Math.min(1, 1.08 * Math.max(0.02, Math.abs(minUplift) * 1.5, ...ends.map(Math.abs)));
  return [-size, size];
}

function scoreDomain(lines: readonly Line[]): readonly [number, number] {
  const ends = laterPoints(lines).flatMap(({ y, low = y, high = y }) => [low, high]);
  if (ends.length === 0) return [0, 1];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const margin = Math.max(0.02, (high - low) * 0.15);
  return [Math.max(0, low - margin), Math.min(1, high + margin)];
}

/** The uplift and the confidence sequence that closes in on it: true at all times at once with 95 %. */
export function UpliftChart(props: TrajectoryChartProps) {
  const { minUplift, prefix, points, leading } = props;
  const lines = challengersIn(props).map((arm) =>
    challengerLine(props, arm, ({ upliftMean, upliftInterval: [low, high] }) =>
      // The bands of several would hide each other.
      arm === leading ? { y: upliftMean, low, high } : { y: upliftMean },
    ),
  );
  const domain = upliftDomain(lines, minUplift);
  const last = points.at(-1)?.perChallenger.find(({ arm }) => arm === leading);
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
      lines={lines}
      x={SESSIONS}
      y={{ label: "points", text: shortPoints, domain }}
      references={[
        { y: 0, tone: "neutral" },
        ...(minUplift === 0
          ? []
          : [{ y: minUplift, label: `must be above ${signedPoints(minUplift)}`, tone: "good" as const }]),
      ]}
    />
  );
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
  const domain = scoreDomain(lines);
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
      y={{ label: "mean score", text: (value) => percent(value, 0), domain }}
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
