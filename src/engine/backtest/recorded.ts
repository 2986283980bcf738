/**
 * Recorded sessions: JSON lines picked by field into the two arms of a backtest. Pure.
 */
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";
import { createRandom, shuffled } from "../../core/random.js";
import type { MetricKind } from "../../core/sequential/guardrail.js";
import type { MetricValues } from "../../core/sessions/metric.js";

/** One recorded session of an arm. */
interface RecordedSession {
  /** line of the file, from 1 */
  readonly line: number;
  /** in [0, 1]; null where the line does not say how the session went */
  readonly score: number | null;
  /** values by metric; a metric the line does not have is left out */
  readonly metrics: MetricValues;
}

/** A field that is recorded as a metric. */
export interface RecordedMetric {
  /** the field, and the metric's name */
  readonly name: string;
  readonly kind: MetricKind | "auto";
  /** whether it is a mistake if no line has the field */
  readonly isRequired: boolean;
}

/** In which order each arm's recorded sessions are taken. */
export type RecordedOrder = "shuffle" | "file" | "time";

/** How lines become the sessions of two arms. */
export interface RecordedSelection {
  /** `field=value,field=value`; all pairs must match */
  readonly champion: string;
  readonly challenger: string;
  /** field that holds the score: boolean or a number in [0, 1] */
  readonly score: string;
  readonly order: RecordedOrder;
  readonly seed: number;
  /** field that holds the time, for `order: "time"` */
  readonly timeField: string;
  /** fields that hold metrics: numbers, or booleans for 1 and 0; default none */
  readonly metrics?: readonly RecordedMetric[];
}

interface Line {
  readonly number: number;
  readonly record: JsonObject;
}

function invalid(message: string, details: JsonObject): never {
  throw new DethroneError("input_invalid", message, details);
}

/** The JSON objects of a file of JSON lines; empty lines are skipped. @throws DethroneError `input_invalid` */
function parseLines(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, content] of text.split("\n").entries()) {
    if (content.trim() === "") continue;
    lines.push({ number: index + 1, record: parseLine(content, index + 1) });
  }
  return lines;
}

function parseLine(content: string, number: number): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(content) as Json;
  } catch (error) {
    return invalid(`Line ${number} is not JSON: ${(error as Error).message}.`, {
      line: number,
      received: content.slice(0, 200),
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  return invalid(`Line ${number} is not a JSON object.`, { line: number, received: content.slice(0, 200) });
}

type Selector = ReadonlyMap<string, string>;

/** @throws DethroneError `input_invalid` for a selector that is not `field=value,...` */
function parseSelector(role: string, text: string): Selector {
  const pairs = text.split(",").map((part) => part.split("="));
  const selector = new Map<string, string>();
  for (const [field = "", ...value] of pairs) {
    if (field.trim() === "" || value.length === 0) {
      invalid(`The ${role} selector must read 'field=value,field=value'; received '${text}'.`, {
        role,
        received: text,
        allowed: "field=value,field=value",
      });
    }
    selector.set(field.trim(), value.join("=").trim());
  }
  return selector;
}

function matches(record: JsonObject, selector: Selector): boolean {
  for (const [field, wanted] of selector) {
    const value = fieldOf(record, field);
    if (value === undefined || String(value) !== wanted) return false;
  }
  return true;
}

const HINT_MAX = 10;

function assertNotEmpty(
  role: string,
  selector: Selector,
  picked: readonly Line[],
  lines: readonly Line[],
): void {
  if (picked.length > 0) return;
  const seen = [...selector.keys()].map((field) => {
    const values = new Set(
      lines.map(({ record }) => fieldOf(record, field)).filter((value) => value !== undefined),
    );
    const shown = [...values].slice(0, HINT_MAX).map(String).join(", ");
    return values.size === 0 ? `no line has the field '${field}'` : `'${field}' has the values ${shown}`;
  });
  invalid(`The ${role} selector matches no line: ${seen.join("; ")}.`, {
    role,
    received: Object.fromEntries(selector),
    lineCount: lines.length,
  });
}

function isSameSelector(left: Selector, right: Selector): boolean {
  return left.size === right.size && [...left].every(([field, value]) => right.get(field) === value);
}

function scoreOf(line: Line, field: string): number | null {
  const value = fieldOf(line.record, field);
  if (value === undefined || value === null) return null;
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw new DethroneError(
    "score_out_of_range",
    `Line ${line.number}: '${field}' must be a boolean or a number in [0, 1]; received ${JSON.stringify(value)}.`,
    { line: line.number, field, received: received(value), allowed: "a boolean or a number in [0, 1]" },
  );
}

interface ValueRule {
  readonly allowed: string;
  readonly holds: (value: number) => boolean;
}

const VALUE_RULES: Record<RecordedMetric["kind"], ValueRule> = {
  binary: { allowed: "a boolean or a number in [0, 1]", holds: (x) => x >= 0 && x <= 1 },
  count: { allowed: "a whole number of at least 0", holds: (x) => Number.isSafeInteger(x) && x >= 0 },
  positive: { allowed: "a number of at least 0", holds: (x) => x >= 0 },
  real: { allowed: "a number", holds: () => true },
  auto: { allowed: "a number", holds: () => true },
};

function metricsOf(line: Line, metrics: readonly RecordedMetric[]): MetricValues {
  const values: Record<string, number> = {};
  for (const { name, kind } of metrics) {
    const given = fieldOf(line.record, name);
    if (given === undefined || given === null) continue;
    const value = typeof given === "boolean" ? Number(given) : given;
    const { allowed, holds } = VALUE_RULES[kind];
    if (typeof value !== "number" || !Number.isFinite(value) || !holds(value)) {
      invalid(`Line ${line.number}: '${name}' must be ${allowed}; received ${JSON.stringify(given)}.`, {
        line: line.number,
        field: name,
        received: received(given),
        allowed,
      });
    }
    values[name] = value;
  }
  return values;
}

function assertMeasured(metrics: readonly RecordedMetric[], sessions: readonly RecordedSession[]): void {
  const absent = metrics.find(
    ({ name, isRequired }) => isRequired && !sessions.some((session) => Object.hasOwn(session.metrics, name)),
  );
  if (absent === undefined) return;
  invalid(`No line of either arm has a number in the field '${absent.name}'.`, { field: absent.name });
}

function timeOf(line: Line, field: string): number {
  const value = fieldOf(line.record, field);
  const time = typeof value === "number" ? value : typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isFinite(time)) return time;
  return invalid(
    `Line ${line.number} has no time in '${field}', which the order 'time' needs. Name another field, or use another order.`,
    { line: line.number, field, received: received(value) },
  );
}

function inOrder(
  lines: readonly Line[],
  selection: RecordedSelection,
  random: ReturnType<typeof createRandom>,
): Line[] {
  if (selection.order === "shuffle") return shuffled(lines, random);
  if (selection.order === "file") return [...lines];
  const timed = lines.map((line) => ({ line, time: timeOf(line, selection.timeField) }));
  return timed.sort((a, b) => a.time - b.time || a.line.number - b.line.number).map(({ line }) => line);
}

function assertScored(field: string, role: string, sessions: readonly RecordedSession[]): void {
  if (sessions.some((session) => session.score !== null)) return;
  invalid(`No line of the ${role} has a score in the field '${field}'.`, { role, field });
}

/** The recorded sessions of both arms, in the order they are to be taken. */
export interface RecordedArms {
  readonly champion: readonly RecordedSession[];
  readonly challenger: readonly RecordedSession[];
}

/**
 * Picks the recorded sessions of both arms.
 *
 * Identical selectors split one set of lines: shuffled by the seed, they alternate between champion and challenger.
 *
 * @throws DethroneError `input_invalid` for malformed lines and metrics (the line is named), empty or overlapping selectors, and
 *   `time` without timestamps; `score_out_of_range`
 */
export function selectRecorded(text: string, selection: RecordedSelection): RecordedArms {
  const { metrics = [] } = selection;
  const lines = parseLines(text);
  const random = createRandom(selection.seed);
  const selectors = {
    champion: parseSelector("champion", selection.champion),
    challenger: parseSelector("challenger", selection.challenger),
  };
  const champion = lines.filter(({ record }) => matches(record, selectors.champion));
  const challenger = lines.filter(({ record }) => matches(record, selectors.challenger));
  assertNotEmpty("champion", selectors.champion, champion, lines);
  assertNotEmpty("challenger", selectors.challenger, challenger, lines);
  // In the order of the file, so that the first mistake in it is the one that is named.
  const picked = [...new Set([...champion, ...challenger])].sort((left, right) => left.number - right.number);
  const sessions = new Map(
    picked.map((line) => [
      line,
      {
        line: line.number,
        score: scoreOf(line, selection.score),
        metrics: metricsOf(line, metrics),
      } satisfies RecordedSession,
    ]),
  );
  const session = (line: Line): RecordedSession => sessions.get(line) as RecordedSession;
  const arms = isSameSelector(selectors.champion, selectors.challenger)
    ? alternate(shuffled(champion, random))
    : apart(champion, challenger, (pool) => inOrder(pool, selection, random));
  const result = { champion: arms.champion.map(session), challenger: arms.challenger.map(session) };
  assertScored(selection.score, "champion", result.champion);
  assertScored(selection.score, "challenger", result.challenger);
  assertMeasured(metrics, [...result.champion, ...result.challenger]);
  return result;
}

interface Pools {
  readonly champion: readonly Line[];
  readonly challenger: readonly Line[];
}

function alternate(lines: readonly Line[]): Pools {
  if (lines.length < 2)
    invalid("Identical selectors need at least two lines to split.", { lineCount: lines.length });
  return {
    champion: lines.filter((_, index) => index % 2 === 0),
    challenger: lines.filter((_, index) => index % 2 === 1),
  };
}

function apart(
  champion: readonly Line[],
  challenger: readonly Line[],
  order: (pool: readonly Line[]) => Line[],
): Pools {
  const championLines = new Set(champion.map((line) => line.number));
  const both = challenger.find((line) => championLines.has(line.number));
  if (both) {
    invalid(`The selectors overlap without being identical: line ${both.number} matches both.`, {
      line: both.number,
    });
  }
  return { champion: order(champion), challenger: order(challenger) };
}
