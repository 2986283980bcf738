/**
 * Who was champion when: a row for each reign, the present one last.
 */
import { scaleUtc } from "d3-scale";
import { dayText, minuteText } from "../time-text.js";
import { armClass, at, BottomAxis, Chart, type Plane } from "./frame.js";

/** A time in which one config was champion. */
export interface ChartedReign {
  readonly name: string;
  readonly cause: "created" | "promoted" | "rollback";
  readonly fromMs: number;
  /** null while it lasts */
  readonly untilMs: number | null;
}

const ROW = 36;
/** Older ones are in the table alone. */
const ROWS_MAX = 8;

const CAUSE = { created: "created", promoted: "promoted", rollback: "rolled back" } as const;

/** How a time is written on an axis of this length. */
function tickText(ms: number, spanMs: number): string {
  const text = minuteText(ms);
  return spanMs > 3 * 86_400_000 ? text.slice(0, 10) : text.slice(5);
}

function Rows({ reigns, nowMs, plane }: { reigns: readonly ChartedReign[]; nowMs: number; plane: Plane }) {
  const firstMs = Math.min(...reigns.map(({ fromMs }) => fromMs));
  const spanMs = Math.max(nowMs - firstMs, 60_000);
  const x = scaleUtc([firstMs, firstMs + spanMs], [2, plane.width - 2]);
  const middle = plane.width / 2;
  return (
    <>
      {reigns.map(({ name, cause, fromMs, untilMs }, row) => {
        const [from, to] = [x(fromMs), x(untilMs ?? firstMs + spanMs)];
        const isRight = from > middle;
        return (
          <g class={`reign ${untilMs === null ? armClass(0) : ""}`}>
            <text x={at(isRight ? to : from)} y={row * ROW + 14} text-anchor={isRight ? "end" : "start"}>
              {name} <tspan class="quiet">{CAUSE[cause]}</tspan>
            </text>
            <rect x={at(from)} y={row * ROW + 20} width={at(Math.max(3, to - from))} height="8" rx="2" />
          </g>
        );
      })}
      <BottomAxis
        plane={{ ...plane, left: 2, right: 2 }}
        ticks={x
          .ticks(plane.isNarrow ? 2 : 5)
          .map((date) => ({ at: x(date), text: tickText(date.getTime(), spanMs) }))}
        label="UTC"
      />
    </>
  );
}

/** Champions over time. @param reigns oldest first */
export function ReignsChart({
  id,
  reigns,
  nowMs,
}: {
  readonly id: string;
  readonly reigns: readonly ChartedReign[];
  readonly nowMs: number;
}) {
  const shown = reigns.slice(-ROWS_MAX);
  const present = reigns.at(-1);
  return (
    <Chart
      id={id}
      title="Champions over time"
      description={
        present === undefined
          ? "There has been no champion yet."
          : `${reigns.length} ${reigns.length === 1 ? "reign" : "reigns"}; ${present.name} is champion since ${dayText(present.fromMs)}.`
      }
      table={{
        header: ["champion", "came by", "from (UTC)", "until (UTC)"],
        rows: reigns.map(({ name, cause, fromMs, untilMs }) => [
          name,
          CAUSE[cause],
          minuteText(fromMs),
          untilMs === null ? "present" : minuteText(untilMs),
        ]),
      }}
      height={Math.round(shown.length * ROW + 44)}
      draw={(plane) => (
        <Rows reigns={shown} nowMs={nowMs} plane={{ ...plane, height: shown.length * ROW + 44 }} />
      )}
    />
  );
}
