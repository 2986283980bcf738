/**
 * The evidence over the units folded, for promotion and for harm, on a logarithmic axis with the line that decides.
 */
import { count, evidence } from "../../core/words/numbers.js";
import { type Line, LineChart, type Mark } from "./line-chart.js";
import { challengerLine, challengersIn, SESSIONS, type TrajectoryChartProps } from "./trajectory-charts.js";

/** Powers of ten as ticks of a natural logarithm, and no more than six of them. */
function decades(low: number, high: number): number[] {
  const [from, to] = [Math.ceil(low / Math.LN10), Math.floor(high / Math.LN10)];
  const step = Math.max(1, Math.ceil((to - from + 1) / 6));
  const first = Math.ceil(from / step) * step;
  const length = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length }, (_, k) => (first + k * step) * Math.LN10);
}

/** A round e-value: "0.01x", "1x", "20x", "1e6x". */
function roundText(logE: number): string {
  const value = Number(Math.exp(logE).toPrecision(3));
  if (value >= 1e-3 && value < 1e5) return `${value < 1000 ? value : count(value)}x`;
  const exponent = logE / Math.LN10;
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? `1e${Math.round(exponent)}x` : evidence(logE);
}

/** A tick is a round number, a value is not. */
function evidenceText(logE: number): string {
  const exponent = logE / Math.LN10;
  return Math.abs(exponent - Math.round(exponent)) < 1e-9 ? roundText(logE) : evidence(logE);
}

/** One in how many equal challengers gets this far. */
const oneIn = (logLine: number): string => `1 in ${count(Math.round(Math.exp(logLine)))}`;

interface Test {
  readonly id: string;
  readonly title: string;
  /** what happens at the line */
  readonly deed: string;
  readonly tone: "good" | "bad";
  readonly isDeciding: boolean;
  readonly logLine: number;
  readonly lines: readonly Line[];
  /** the most evidence each challenger has had, which is what counts, by its arm */
  readonly best: ReadonlyMap<number, number>;
  readonly marks: readonly Mark[];
}

/** A test's evidence on its way to its line. */
function TestChart({ test, leading }: { readonly test: Test; readonly leading: number }) {
  const { id, title, deed, isDeciding, logLine, lines, best, marks } = test;
  const line = `${roundText(logLine)} (${oneIn(logLine)})`;
  const ys = lines.flatMap(({ points }) => points.map(({ y }) => y)).filter(Number.isFinite);
  const low = Math.min(-Math.LN10, ...ys);
  const high = Math.max(logLine * 1.2, ...ys.map((y) => y * 1.05));
  const nowOf = ({ points }: Line): string => evidence(points.at(-1)?.y ?? 0);
  const own = lines.find(({ arm }) => arm === leading);
  const sessions = own?.points.at(-1)?.x ?? 0;
  return (
    <LineChart
      id={id}
      title={title}
      description={`After ${count(sessions)} sessions it has been ${evidence(best.get(leading) ?? 0)} at best and is ${own === undefined ? "1x" : nowOf(own)} now. ${isDeciding ? `At ${roundText(logLine)} it ${deed}` : `It does not decide here; its line is ${roundText(logLine)}`}; with no difference that ever happens in at most ${oneIn(logLine)} experiments.`}
      legend={lines.map((each) => ({
        arm: each.arm,
        name: each.name,
        value: `${evidence(best.get(each.arm) ?? 0)} at best, ${nowOf(each)} now`,
      }))}
      lines={lines}
      x={SESSIONS}
      y={{ label: "evidence", text: evidenceText, domain: [low, high], ticks: decades(low, high) }}
      references={[
        {
          y: logLine,
          label: isDeciding ? `${deed} at ${line}` : `${line}, does not decide here`,
          tone: isDeciding ? test.tone : "neutral",
        },
        { y: 0, tone: "neutral" },
      ]}
      marks={marks}
    />
  );
}

function bestOf({ points }: TrajectoryChartProps, field: "logSupPromote" | "logSupHarm") {
  return new Map((points.at(-1)?.perChallenger ?? []).map((each) => [each.arm, each[field]]));
}

/** Where the promoted challenger stands. */
function promotedMark(
  { promoted, isAwaitingApproval }: TrajectoryChartProps,
  lines: readonly Line[],
): Mark[] {
  const last = lines.find(({ arm }) => arm === promoted)?.points.at(-1);
  if (last === undefined) return [];
  return [{ x: last.x, y: last.y, label: isAwaitingApproval ? "awaits approval" : "promoted", tone: "good" }];
}

/** The evidence that a challenger is better, with the line at which it is promoted. */
export function EvidenceChart(props: TrajectoryChartProps) {
  const lines = challengersIn(props).map((arm) =>
    challengerLine(props, arm, ({ logEPromote }) => ({ y: logEPromote })),
  );
  return (
    <TestChart
      leading={props.leading}
      test={{
        id: `${props.prefix}-evidence`,
        title: "Evidence that the challenger is better",
        deed: "promotes",
        tone: "good",
        isDeciding: props.isDeciding,
        logLine: props.logLinePromote,
        lines,
        best: bestOf(props, "logSupPromote"),
        marks: promotedMark(props, lines),
      }}
    />
  );
}

/** The evidence that a challenger is worse, with the line at which it is aborted. */
export function HarmChart(props: TrajectoryChartProps) {
  return (
    <TestChart
      leading={props.leading}
      test={{
        id: `${props.prefix}-harm`,
        title: "Evidence that the challenger is worse",
        deed: "aborts",
        tone: "bad",
        isDeciding: props.isDeciding,
        logLine: props.logLineHarm,
        lines: challengersIn(props).map((arm) =>
          challengerLine(props, arm, ({ logEHarm }) => ({ y: logEHarm })),
        ),
        best: bestOf(props, "logSupHarm"),
        marks: [],
      }}
    />
  );
}
