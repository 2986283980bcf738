/**
 * Terminal drawing as plain functions: numbers and strings in, strings out, no I/O and no clock.
 *
 * Whoever prints passes `colors` from picocolors' `createColors(enabled)`; without it the output has no colour. Widths
 * are terminal columns, not characters.
 */
import { stripVTControlCharacters } from "node:util";
import picocolors from "picocolors";
import { count, duration } from "../core/words/numbers.js";

/** picocolors' set of formatters. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** A cell of a {@link table}. Whole numbers are grouped, other numbers printed as they are. */
export type Cell = string | number;

type Paint = (text: string) => string;

const PLAIN = picocolors.createColors(false);
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

// ---- Tables

/**
 * Aligned columns, two spaces apart, under a dim header.
 *
 * @param align per column; by default a column of numbers (with or without sign and unit) is right-aligned.
 *
 * @example
 * table([["champion", 120], ["challenger", 1204]], { header: ["arm", "sessions"] });
 */
export function table(
  rows: readonly (readonly Cell[])[],
  options: { header?: readonly string[]; align?: readonly ("left" | "right")[]; colors?: Colors } = {},
): string {
  const { header, align = [], colors = PLAIN } = options;
  const body = rows.map((row) => row.map(cellText));
  const lines = header ? [header.map((title) => colors.dim(title)), ...body] : body;
  const columns = Array.from({ length: Math.max(0, ...lines.map((line) => line.length)) }, (_, column) => ({
    width: Math.max(...lines.map((line) => textWidth(line[column] ?? ""))),
    isRight: align[column] ? align[column] === "right" : isNumeric(body.map((line) => line[column] ?? "")),
  }));
  const drawn = lines.map((line) =>
    columns
      .map(({ width, isRight }, column) => pad(line[column] ?? "", width, isRight))
      .join("  ")
      .trimEnd(),
  );
  return drawn.join("\n");
}

// A line break or tab in a cell would tear the row apart.
function cellText(cell: Cell): string {
  if (typeof cell === "number") return Number.isInteger(cell) ? count(cell) : String(cell);
  return cell.replace(/\s*[\r\n\t]\s*/g, " ");
}

// A number with what may stand around it: "> 0.999", "-0.3 points", "1.2e6x", "$0.013", "3 min 20 s", or just "-".
const NUMERIC = /^(([<>~] ?)?[-+]?\$?(\d[\d,.]*(e[-+]?\d+)?|∞)(x| ?%| \p{L}+( \d+ \p{L}+)?)?|-|)$/u;

function isNumeric(cells: readonly string[]): boolean {
  const texts = cells.map((cell) => stripVTControlCharacters(cell).trim());
  return texts.some((text) => /\d/.test(text)) && texts.every((text) => NUMERIC.test(text));
}

/** Columns a text takes in a terminal: escapes and combining marks none, East Asian characters and emoji two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of GRAPHEMES.segment(stripVTControlCharacters(text)))
    width += WIDE.test(segment) ? 2 : 1;
  return width;
}

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

function pad(text: string, width: number, isRight = false): string {
  const gap = " ".repeat(Math.max(0, width - textWidth(text)));
  return isRight ? gap + text : text + gap;
}

// ---- Bars

/**
 * A horizontal bar, exact to an eighth of a column.
 *
 * @param fraction filled part, held to [0, 1].
 * @param width columns of the whole bar.
 */
export function bar(
  fraction: number,
  width: number,
  options: { colors?: Colors; paint?: Paint } = {},
): string {
  const { colors = PLAIN, paint = colors.green } = options;
  const eighths = Math.round(clamp(fraction) * width * 8);
  const filled = "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
  return paint(filled) + colors.dim("░".repeat(width - filled.length));
}

/**
 * A mean and its interval as one line on the scale from `min` to `max`: `····├────●────┤····`.
 *
 * A side that lies beyond the scale has no cap.
 */
export function intervalBar(options: {
  readonly low: number;
  readonly mean: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
  readonly width: number;
  readonly colors?: Colors;
  readonly paint?: Paint;
}): string {
  const { low, mean, high, min, max, width, colors = PLAIN, paint = colors.cyan } = options;
  const columnOf = (value: number): number =>
    Math.round(clamp((value - min) / (max - min || 1)) * (width - 1));
  const from = columnOf(low);
  const to = Math.max(from, columnOf(high));
  const cells = Array.from({ length: to - from + 1 }, () => "─");
  if (low >= min) cells[0] = "├";
  if (high <= max) cells[cells.length - 1] = "┤";
  cells[clamp(columnOf(mean) - from, to - from)] = "●";
  return colors.dim("·".repeat(from)) + paint(cells.join("")) + colors.dim("·".repeat(width - 1 - to));
}

/**
 * A bar with how far it is, for work whose size is known: `██████▌░░░  65 %  650/1,000  12 s left`.
 *
 * @param width columns of the bar alone.
 * @param etaMs milliseconds to go, if known.
 */
export function progressBar(
  done: number,
  total: number,
  width: number,
  etaMs?: number,
  colors: Colors = PLAIN,
): string {
  const fraction = total > 0 ? clamp(done / total) : 0;
  // Rounded down: 100 % means that nothing is left.
  const share = `${Math.floor(fraction * 100)} %`.padStart(5);
  const steps = `${count(done).padStart(count(total).length)}/${count(total)}`;
  const left = etaMs === undefined || fraction === 1 ? "" : colors.dim(`  ${duration(etaMs)} left`);
  return `${bar(fraction, width, { colors })} ${share}  ${colors.dim(steps)}${left}`;
}

function clamp(value: number, max = 1): number {
  return Number.isNaN(value) ? 0 : Math.min(max, Math.max(0, value));
}

// ---- Line chart

/** How a {@link lineChart} is drawn. */
export interface LineChartOptions {
  /** Columns of the whole chart, axis and threshold labels included. */
  readonly width: number;
  /** Lines of the plot, without the axis below it. */
  readonly height: number;
  /** Horizontal lines, always in view. */
  readonly thresholds?: readonly {
    readonly value: number;
    readonly label?: string;
    readonly paint?: Paint;
  }[];
  /** Names of the series, for a legend. */
  readonly labels?: readonly string[];
  /** What stands below the left and the right end of the axis. */
  readonly ends?: readonly [left: string, right: string];
  readonly colors?: Colors;
}

interface Scale {
  readonly ticks: readonly number[];
  /** Decimals that tell two ticks apart. */
  readonly digits: number;
  /** Dot row of a value, 0 at the top. */
  readonly rowOf: (value: number) => number;
}

type Grid = { bits: number; paint: Paint }[][];

// Bits of the braille character, by dot row and dot column.
const DOTS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];

/**
 * One or more series as lines of braille dots, spread over the full width, with thresholds as dashed lines.
 *
 * Values that are not finite leave a gap.
 */
export function lineChart(series: readonly (readonly number[])[], options: LineChartOptions): string {
  const { height, labels = [], colors = PLAIN } = options;
  const thresholds = (options.thresholds ?? []).filter(({ value }) => Number.isFinite(value));
  const scale = scaleOf([...series.flat(), ...thresholds.map(({ value }) => value)], height);
  const names = tickNames(scale, height);
  const gutter = Math.max(0, ...names.map((name) => name.length));
  const tails = tailsOf(thresholds, scale, height, colors);
  const tailWidth = Math.max(0, ...tails.map(({ label }) => textWidth(label)));
  const width = Math.max(2, options.width - gutter - 2 - tailWidth);
  const grid: Grid = Array.from({ length: height }, () =>
    Array.from({ length: width }, () => ({ bits: 0, paint: String })),
  );
  const paints = [colors.cyan, colors.yellow, colors.magenta, colors.green];
  const paintOf = (index: number): Paint => paints[index % paints.length] ?? String;
  for (const [index, values] of series.entries()) drawSeries(grid, values, scale, paintOf(index));
  const lines = grid.map((cells, row) => {
    const { dash, label } = tails[row] ?? { dash: " ", label: "" };
    const axis = colors.dim(`${names[row]?.padStart(gutter)} ${names[row] ? "┤" : "│"}`);
    const plot = cells.map(({ bits, paint }) => (bits ? paint(braille(bits)) : dash)).join("");
    return (axis + plot + label).trimEnd();
  });
  const margin = " ".repeat(gutter + 2);
  lines.push(colors.dim(`${" ".repeat(gutter + 1)}└${"─".repeat(width)}`));
  const [left, right] = options.ends ?? ["", ""];
  if (left || right) lines.push(margin + colors.dim(left + pad(right, width - textWidth(left), true)));
  const legend = labels.map((name, index) => `${paintOf(index)("━━")} ${name}`).join("   ");
  return [...lines, ...(legend ? [margin + legend] : [])].join("\n");
}

function braille(bits: number): string {
  return String.fromCharCode(0x2800 + bits);
}

// Ticks at 1, 2 or 5 times a power of ten, at least two lines apart; the scale begins and ends at the data.
function scaleOf(values: readonly number[], height: number): Scale {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values.filter(Number.isFinite)) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min > max) [min, max] = [0, 1];
  if (min === max) [min, max] = [min - Math.abs(min || 1) / 2, max + Math.abs(max || 1) / 2];
  const rough = ((max - min) * 2) / Math.max(2, height);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const first = Math.ceil(min / step - 1e-9);
  const tickCount = Math.floor(max / step + 1e-9) - first + 1;
  return {
    ticks: Array.from({ length: tickCount }, (_, index) => Number(((first + index) * step).toPrecision(12))),
    digits: Math.max(0, Math.ceil(-Math.log10(step) - 1e-9)),
    rowOf: (value) => Math.round((1 - (value - min) / (max - min)) * (height * 4 - 1)),
  };
}

function tickNames({ ticks, digits, rowOf }: Scale, height: number): string[] {
  const names = Array.from({ length: height }, () => "");
  for (const tick of ticks) names[Math.floor(rowOf(tick) / 4)] = tick.toFixed(digits);
  return names;
}

function tailsOf(
  thresholds: NonNullable<LineChartOptions["thresholds"]>,
  { rowOf }: Scale,
  height: number,
  colors: Colors,
): { dash: string; label: string }[] {
  const tails = Array.from({ length: height }, () => ({ dash: " ", label: "" }));
  for (const { value, label, paint = colors.green } of thresholds) {
    tails[Math.floor(rowOf(value) / 4)] = { dash: paint("╌"), label: label ? ` ${paint(label)}` : "" };
  }
  return tails;
}

function drawSeries(grid: Grid, values: readonly number[], { rowOf }: Scale, paint: Paint): void {
  const lastColumn = (grid[0]?.length ?? 0) * 2 - 1;
  const columnOf = (index: number): number =>
    Math.round((index / Math.max(1, values.length - 1)) * lastColumn);
  const dot = (column: number, row: number): void => {
    const cell = grid[row >> 2]?.[column >> 1];
    if (!cell) return;
    cell.bits |= DOTS[(row % 4) * 2 + (column % 2)] ?? 0;
    cell.paint = paint;
  };
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) return;
    const before = values[index - 1];
    const to = { column: columnOf(index), row: rowOf(value) };
    const isJoined = before !== undefined && Number.isFinite(before);
    drawLine(isJoined ? { column: columnOf(index - 1), row: rowOf(before) } : to, to, dot);
  });
}

type Point = { readonly column: number; readonly row: number };

function drawLine(from: Point, to: Point, dot: (column: number, row: number) => void): void {
  const steps = Math.max(Math.abs(to.column - from.column), Math.abs(to.row - from.row), 1);
  for (let step = 0; step <= steps; step++) {
    const at = (a: number, b: number): number => Math.round(a + ((b - a) * step) / steps);
    dot(at(from.column, to.column), at(from.row, to.row));
  }
}
