/**
 * Lines over sessions: the one picture behind evidence, uplift, scores, shares and curves of simulations.
 */
import { extent } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area, curveLinear, curveStepAfter, line } from "d3-shape";
import {
  armClass,
  at,
  BottomAxis,
  Chart,
  type ChartProps,
  LeftAxis,
  type Plane,
  type Tick,
  thinned,
} from "./frame.js";

/** A point of a line, and of the band around it. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

/** A line, with a band where its points have one. */
export interface Line {
  readonly arm: number;
  readonly name: string;
  readonly points: readonly LinePoint[];
  /** keeps its height up to the next point */
  readonly isStep?: boolean | undefined;
}

/** A height that means something. */
interface ReferenceLine {
  readonly y: number;
  /** its words; none where the axis says enough */
  readonly label?: string | undefined;
  readonly tone: "good" | "bad" | "neutral";
}

/** A moment that means something. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly tone: "good" | "bad" | "neutral";
}

/** An axis: its words, and how its numbers are written. */
interface Axis {
  readonly label: string;
  readonly text: (value: number) => string;
  /** default: the least that shows everything */
  readonly domain?: readonly [number, number] | undefined;
  /** default: round numbers */
  readonly ticks?: readonly number[] | undefined;
}

/** What a line chart shows. */
export interface LineChartProps extends Omit<ChartProps, "draw" | "table"> {
  readonly lines: readonly Line[];
  readonly x: Axis;
  readonly y: Axis;
  readonly references?: readonly ReferenceLine[] | undefined;
  readonly marks?: readonly Mark[] | undefined;
}

const TABLE_ROWS = 24;
const STRIPS = 40;

type Scale = (value: number) => number;

interface Drawn {
  readonly plane: Plane;
  readonly xScale: Scale;
  readonly yScale: Scale;
  /** id of what cuts lines off at the edges of the plane: a domain may leave out what is too wild to be read */
  readonly clip: string;
}

const isDrawn = ({ x, y }: LinePoint): boolean => Number.isFinite(x) && Number.isFinite(y);

/** The least and the largest of some numbers, apart from each other. */
function spread(values: readonly number[], fallback: readonly [number, number]): readonly [number, number] {
  const [low, high] = extent(values.filter(Number.isFinite));
  if (low === undefined || high === undefined) return fallback;
  return low < high ? [low, high] : [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
}

function heightsOf({ lines, references = [] }: LineChartProps): number[] {
  const points = lines.flatMap((each) => each.points);
  return [...points.flatMap(({ y, low = y, high = y }) => [y, low, high]), ...references.map(({ y }) => y)];
}

function scalesOf(props: LineChartProps, plane: Plane) {
  const xs = props.lines.flatMap(({ points }) => points.map(({ x }) => x));
  const xDomain = props.x.domain ?? spread(xs, [0, 1]);
  const yDomain = props.y.domain ?? spread(heightsOf(props), [0, 1]);
  return {
    x: scaleLinear(xDomain, [plane.left, plane.width - plane.right]),
    y: scaleLinear(yDomain, [plane.height - plane.bottom, plane.top]),
  };
}

function Path({ line: each, drawn }: { readonly line: Line; readonly drawn: Drawn }) {
  const { xScale, yScale } = drawn;
  const curve = each.isStep ? curveStepAfter : curveLinear;
  const points = each.points.filter(isDrawn);
  const hasBand = points.some(({ low, high }) => low !== undefined && high !== undefined);
  const path = line<LinePoint>(
    ({ x }) => xScale(x),
    ({ y }) => yScale(y),
  )
    .curve(curve)
    .digits(2);
  const band = area<LinePoint>(
    ({ x }) => xScale(x),
    ({ y, low = y }) => yScale(low),
    ({ y, high = y }) => yScale(high),
  )
    .curve(curve)
    .digits(2);
  const last = points.at(-1);
  const clip = `url(#${drawn.clip})`;
  return (
    <g class={armClass(each.arm)}>
      {hasBand ? <path class="band" clip-path={clip} d={band(points) ?? ""} /> : null}
      <path class="line" clip-path={clip} d={path(points) ?? ""} />
      {last === undefined ? null : (
        <circle class="dot" cx={at(xScale(last.x))} cy={at(yScale(last.y))} r="4" />
      )}
    </g>
  );
}

function References({ references, drawn }: { references: readonly ReferenceLine[]; drawn: Drawn }) {
  const { plane, yScale } = drawn;
  return (
    <>
      {references.map(({ y, label, tone }) => (
        <g class={`reference tone-${tone}`}>
          <path d={`M${plane.left} ${at(yScale(y))}H${plane.width - plane.right}`} />
          {label === undefined ? null : (
            <text x={plane.left + 6} y={at(yScale(y)) - 6}>
              {label}
            </text>
          )}
        </g>
      ))}
    </>
  );
}

function Marks({ marks, drawn }: { readonly marks: readonly Mark[]; readonly drawn: Drawn }) {
  const { plane, xScale, yScale } = drawn;
  const middle = (plane.left + plane.width - plane.right) / 2;
  return (
    <>
      {marks.map(({ x, y, label, tone }) => {
        const [left, top] = [at(xScale(x)), at(yScale(y))];
        const isRight = left > middle;
        return (
          <g class={`mark tone-${tone}`}>
            <circle cx={left} cy={top} r="7" />
            <text x={left + (isRight ? -12 : 12)} y={top + 4} text-anchor={isRight ? "end" : "start"}>
              {label}
            </text>
          </g>
        );
      })}
    </>
  );
}

/** What the numbers are at one place, as a text. */
function readout({ lines, x: xAxis, y: yAxis }: LineChartProps, x: number): string {
  const values = lines.flatMap(({ name, points }) => {
    const point = points.findLast((each) => each.x <= x) ?? points[0];
    return point === undefined || !isDrawn(point) ? [] : [`${name} ${valueText(point, yAxis)}`];
  });
  return `${xAxis.text(x)} ${xAxis.label}: ${values.join(", ")}`;
}

function valueText({ y, low, high }: LinePoint, axis: Axis): string {
  const value = axis.text(y);
  return low === undefined || high === undefined
    ? value
    : `${value} (${axis.text(low)} to ${axis.text(high)})`;
}

/** Strips that show a hairline and the numbers under the pointer. */
function Strips({ props, drawn }: { readonly props: LineChartProps; readonly drawn: Drawn }) {
  const { plane, xScale } = drawn;
  const longest = [...props.lines].sort((a, b) => b.points.length - a.points.length)[0]?.points ?? [];
  const points = thinned(longest.filter(isDrawn), STRIPS);
  const height = plane.height - plane.bottom - plane.top;
  return (
    <g class="strips">
      {points.map(({ x }, k) => {
        const here = xScale(x);
        const from = k === 0 ? plane.left : (xScale((points[k - 1] as LinePoint).x) + here) / 2;
        const next = points[k + 1];
        const to = next === undefined ? plane.width - plane.right : (xScale(next.x) + here) / 2;
        return (
          <g class="strip">
            <title>{readout(props, x)}</title>
            <rect x={at(from)} y={plane.top} width={at(Math.max(0, to - from))} height={height} />
            <path d={`M${at(here)} ${plane.top}V${plane.top + height}`} />
          </g>
        );
      })}
    </g>
  );
}

function Edges({ drawn: { plane, clip } }: { readonly drawn: Drawn }) {
  const { left, right, top, bottom, width, height } = plane;
  return (
    <clipPath id={clip}>
      <rect x={left} y={top - 2} width={width - left - right} height={height - top - bottom + 4} />
    </clipPath>
  );
}

function Drawing({ props, plane }: { readonly props: LineChartProps; readonly plane: Plane }) {
  const { x, y } = scalesOf(props, plane);
  const drawn = {
    plane,
    xScale: x,
    yScale: y,
    clip: `${props.id}-${plane.isNarrow ? "narrow" : "wide"}-plane`,
  };
  const ticksOf = (axis: Axis, scale: typeof x, count: number): Tick[] => {
    const [low, high] = scale.domain() as [number, number];
    const inside = (value: number): boolean => value >= low && value <= high;
    const values = axis.ticks ?? scale.ticks(count);
    return values.filter(inside).map((value) => ({ at: scale(value), text: axis.text(value) }));
  };
  return (
    <>
      <LeftAxis plane={plane} ticks={ticksOf(props.y, y, 5)} />
      <BottomAxis plane={plane} ticks={ticksOf(props.x, x, plane.isNarrow ? 3 : 6)} label={props.x.label} />
      <Edges drawn={drawn} />
      <References references={props.references ?? []} drawn={drawn} />
      {[...props.lines].reverse().map((each) => (
        <Path line={each} drawn={drawn} />
      ))}
      <Marks marks={props.marks ?? []} drawn={drawn} />
      {plane.isNarrow ? null : <Strips props={props} drawn={drawn} />}
    </>
  );
}

function tableOf({ lines, x, y }: LineChartProps) {
  const xs = [...new Set(lines.flatMap(({ points }) => points.filter(isDrawn).map((point) => point.x)))];
  const rows = thinned(
    xs.sort((a, b) => a - b),
    TABLE_ROWS,
  ).map((at) => [
    x.text(at),
    ...lines.map(({ points }) => {
      const point = points.findLast((each) => each.x <= at);
      return point === undefined || !isDrawn(point) ? "-" : valueText(point, y);
    }),
  ]);
  return { header: [x.label, ...lines.map(({ name }) => name)], rows };
}

/** Lines over a common axis. */
export function LineChart(props: LineChartProps) {
  return (
    <Chart {...props} table={tableOf(props)} draw={(plane) => <Drawing props={props} plane={plane} />} />
  );
}
