/**
 * What all charts share: the frame with its text alternative and the numbers behind it, the two sizes, the axes.
 *
 * A chart is drawn twice, for a wide and for a narrow place, and the style sheet shows the one that fits: so letters keep
 * their size and labels their distance. Colours are custom properties of the style sheet, so that dark mode and print
 * need no second drawing. Markup is a function of the data alone.
 */
import type { Child } from "hono/jsx";

/** The plane a chart is drawn on, in units that are about a pixel each. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly isNarrow: boolean;
}

/** A table of numbers behind a picture. */
interface NumberTable {
  readonly header: readonly string[];
  /** the first cell of a row names it */
  readonly rows: readonly (readonly string[])[];
}

/** What a line, bar or dot is called, and how it does. */
export interface LegendItem {
  /** 0 the champion's, j the j-th challenger's */
  readonly arm: number;
  readonly name: string;
  readonly value?: string | undefined;
}

/** A picture, what it says in words, and the numbers behind it. */
export interface ChartProps {
  /** unique within the page */
  readonly id: string;
  readonly title: string;
  /** what it shows, in one or two sentences with the numbers that matter */
  readonly description: string;
  readonly legend?: readonly LegendItem[] | undefined;
  readonly table: NumberTable;
  readonly draw: (plane: Plane) => Child;
  /** height of the picture where there is room; default 240 */
  readonly height?: number | undefined;
}

const HEIGHT = 240;

const WIDE = { width: 480, left: 46, right: 14, top: 14, bottom: 38, isNarrow: false } as const;
const NARROW = { width: 300, left: 42, right: 10, top: 14, bottom: 38, isNarrow: true } as const;

function Picture({ plane, ...props }: ChartProps & { readonly plane: Plane }) {
  const id = `${props.id}-${plane.isNarrow ? "narrow" : "wide"}`;
  return (
    <svg
      class={plane.isNarrow ? "plot narrow" : "plot wide"}
      viewBox={`0 0 ${plane.width} ${plane.height}`}
      role="img"
      aria-labelledby={`${id}-title ${id}-desc`}
    >
      <title id={`${id}-title`}>{props.title}</title>
      <desc id={`${id}-desc`}>{props.description}</desc>
      {props.draw(plane)}
    </svg>
  );
}

/** The names of what is drawn, each with its colour and shape. */
export function Legend({ items }: { readonly items: readonly LegendItem[] }) {
  return (
    <ul class="legend">
      {items.map(({ arm, name, value }) => (
        <li class={armClass(arm)}>
          <svg class="swatch" viewBox="0 0 20 10" aria-hidden="true">
            <path class="line" d="M1 5H19" />
            <circle class="dot" cx="10" cy="5" r="3.5" />
          </svg>
          <span class="legend-name">{name}</span>
          {value === undefined ? null : <span class="legend-value">{value}</span>}
        </li>
      ))}
    </ul>
  );
}

/** The numbers behind a picture, folded away. */
function Numbers({ table, caption }: { readonly table: NumberTable; readonly caption: string }) {
  return (
    <details class="numbers">
      <summary>Numbers</summary>
      <section class="scroll" tabindex={0} aria-label={`${caption}: numbers`}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {table.header.map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map(([name, ...cells]) => (
              <tr>
                <th scope="row">{name}</th>
                {cells.map((cell) => (
                  <td>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

/** A picture in its frame. */
export function Chart(props: ChartProps) {
  const height = props.height ?? HEIGHT;
  return (
    <figure class="chart" id={props.id}>
      {props.legend === undefined ? null : <Legend items={props.legend} />}
      <Picture {...props} plane={{ ...WIDE, height }} />
      <Picture {...props} plane={{ ...NARROW, height: Math.round(height * 0.9) }} />
      <Numbers table={props.table} caption={props.title} />
    </figure>
  );
}

/** The class that gives an arm its colour: champion and challenger always have the same two. */
export function armClass(arm: number): string {
  return `arm-${arm < 2 ? arm : 2 + ((arm - 2) % 4)}`;
}

/** A coordinate with as many digits as anyone can see. */
export const at = (value: number): number => Math.round(value * 100) / 100;

/** A tick of an axis: where it is, and what stands there. */
export interface Tick {
  readonly at: number;
  readonly text: string;
}

/** The horizontal axis with its ticks below the plane; ticks that would touch the one before are left out. */
export function BottomAxis(props: {
  readonly plane: Plane;
  readonly ticks: readonly Tick[];
  readonly label: string;
}) {
  const { plane, label } = props;
  const y = plane.height - plane.bottom;
  return (
    <g class="axis">
      <path class="base" d={`M${plane.left} ${y}H${plane.width - plane.right}`} />
      {spaced(props.ticks, plane).map((tick) => (
        <text x={at(tick.at)} y={y + 15} text-anchor={anchorOf(tick, plane)}>
          {tick.text}
        </text>
      ))}
      <text class="axis-label" x={plane.width - plane.right} y={y + 31} text-anchor="end">
        {label}
      </text>
    </g>
  );
}

/** About the width of a letter of the axes. */
const LETTER = 6.4;

const widthOf = ({ text }: Tick): number => text.length * LETTER;

/** A label at an end of the plane grows inwards. */
function anchorOf(tick: Tick, { left, right, width }: Plane): "start" | "middle" | "end" {
  const half = widthOf(tick) / 2;
  if (tick.at - half < left - 30) return "start";
  return tick.at + half > width - right + 8 ? "end" : "middle";
}

function spaced(ticks: readonly Tick[], plane: Plane): Tick[] {
  const kept: Tick[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const tick of ticks) {
    const width = widthOf(tick);
    const anchor = anchorOf(tick, plane);
    const start = tick.at - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0);
    if (start < end + LETTER) continue;
    kept.push(tick);
    end = start + width;
  }
  return kept;
}

/** The vertical axis: a thin line across the plane at each tick, its text to the left. */
export function LeftAxis({ plane, ticks }: { readonly plane: Plane; readonly ticks: readonly Tick[] }) {
  return (
    <g class="axis">
      {ticks.map((tick) => (
        <>
          <path class="grid" d={`M${plane.left} ${at(tick.at)}H${plane.width - plane.right}`} />
          <text x={plane.left - 8} y={at(tick.at) + 4} text-anchor="end">
            {tick.text}
          </text>
        </>
      ))}
    </g>
  );
}

/** So many of a list's elements, evenly spread, the first and the last among them. */
export function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  const step = (all.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, k) => all[Math.round(k * step)] as T);
}
