/**
 * What simulated experiments came to, and when.
 */
import { scaleLinear } from "d3-scale";
import { area, curveStepAfter } from "d3-shape";
import type { CurvePoint, SimulationSummary } from "../../core/simulation/simulation-summary.js";
import { count, percent } from "../../core/words/numbers.js";
import { BottomAxis, Chart, LeftAxis, type Plane, thinned } from "./frame.js";
import { Parts } from "./inline.js";

const OUTCOMES = ["promoted", "held", "aborted"] as const;

/** How the runs of each policy ended, a bar each. */
export function OutcomeBars({
  rows,
}: {
  readonly rows: readonly (Pick<SimulationSummary, (typeof OUTCOMES)[number]> & {
    readonly policy: string;
  })[];
}) {
  return (
    <dl class="bars outcomes">
      {rows.map((row) => {
        const told = OUTCOMES.map((outcome) => `${outcome} ${percent(row[outcome])}`).join(", ");
        return (
          <>
            <dt>{row.policy}</dt>
            <dd>
              <Parts
                title={`${row.policy}: ${told}`}
                parts={OUTCOMES.map((outcome) => ({ fraction: row[outcome], kind: `part-${outcome}` }))}
              />
              <span>{told}</span>
            </dd>
          </>
        );
      })}
    </dl>
  );
}

interface Layer {
  readonly outcome: (typeof OUTCOMES)[number];
  readonly points: readonly { readonly x: number; readonly low: number; readonly high: number }[];
}

function layersOf(curve: readonly CurvePoint[]): readonly Layer[] {
  return OUTCOMES.map((outcome, k) => ({
    outcome,
    points: curve.map((point) => {
      const low = OUTCOMES.slice(0, k).reduce((sum, below) => sum + point[below], 0);
      return { x: point.sessions, low, high: low + point[outcome] };
    }),
  }));
}

function Stack({ curve, longest, plane }: { curve: readonly CurvePoint[]; longest: number; plane: Plane }) {
  const x = scaleLinear([0, longest || 1], [plane.left, plane.width - plane.right]);
  const y = scaleLinear([0, 1], [plane.height - plane.bottom, plane.top]);
  const path = area<Layer["points"][number]>(
    (p) => x(p.x),
    (p) => y(p.low),
    (p) => y(p.high),
  )
    .curve(curveStepAfter)
    .digits(2);
  return (
    <>
      {layersOf(curve).map(({ outcome, points }) => (
        <path class={`part part-${outcome}`} d={path([...points]) ?? ""} />
      ))}
      <LeftAxis
        plane={plane}
        ticks={[0, 0.25, 0.5, 0.75, 1].map((tick) => ({ at: y(tick), text: percent(tick, 0) }))}
      />
      <BottomAxis
        plane={plane}
        ticks={x.ticks(plane.isNarrow ? 3 : 7).map((tick) => ({ at: x(tick), text: count(tick) }))}
        label="sessions"
      />
    </>
  );
}

/** How many of the runs have ended in each way by so many sessions. @param longest end of the axis, in sessions */
export function DecidedChart({
  id,
  policy,
  curve,
  longest,
}: {
  readonly id: string;
  readonly policy: string;
  readonly curve: readonly CurvePoint[];
  readonly longest: number;
}) {
  const last = curve.at(-1);
  const told = OUTCOMES.map((outcome) => `${percent(last?.[outcome] ?? 0)} ${outcome}`).join(", ");
  return (
    <Chart
      id={id}
      title={`Decided over sessions, policy ${policy}`}
      description={`Of all simulated experiments under '${policy}', in the end ${told}.`}
      table={{
        header: ["sessions", ...OUTCOMES],
        rows: thinned(curve, 20).map((point) => [
          count(Math.round(point.sessions)),
          ...OUTCOMES.map((outcome) => percent(point[outcome])),
        ]),
      }}
      height={220}
      draw={(plane) => <Stack curve={curve} longest={longest} plane={plane} />}
    />
  );
}
