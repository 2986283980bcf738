/**
 * A mapping: which fields of another system's records are the session, its config, its score and so on. Pure.
 */
import { z } from "zod";
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";
import { fieldOf } from "../../core/json-field.js";
import type { PastSession, PastSignal } from "./past-session.js";

const field = z.string().min(1);
const finite = z.number().refine(Number.isFinite, "must be a finite number");

const source = z.union([
  field,
  z
    .strictObject({
      field: z.union([field, z.array(field).min(1)]).optional(),
      value: z.json().optional(),
      values: z.record(z.string(), finite).optional(),
      truthy: z.union([z.literal(true), z.array(z.json()).min(1)]).optional(),
      scale: z.tuple([finite, finite]).optional(),
      multiply: finite.optional(),
    })
    .refine((given) => (given.field === undefined) !== (given.value === undefined), {
      message: "takes either 'field' or 'value'",
    })
    .refine(({ scale }) => scale === undefined || scale[0] !== scale[1], {
      message: "'scale' takes two different numbers: what is worst and what is best",
    }),
]);

const judgement = {
  kind: z.enum(["explicit", "implicit"]).optional(),
  when: z.record(field, z.union([z.json(), z.array(z.json())])).optional(),
};

const signal = z.union([
  z.strictObject({
    name: z.union([z.string().min(1), z.strictObject({ field: z.union([field, z.array(field).min(1)]) })]),
    value: source,
    key: source.optional(),
    at: source.optional(),
    source: source.optional(),
    ...judgement,
  }),
  z.strictObject({ each: field, key: source.optional(), ...judgement }),
]);

const fields = z.union([field, z.record(z.string().min(1), source)]);

const mapping = z.strictObject({
  session: source.optional(),
  unit: source.optional(),
  startedAt: source.optional(),
  endedAt: source.optional(),
  score: source.optional(),
  config: fields.optional(),
  context: fields.optional(),
  signals: z.array(signal).optional(),
});

/** A field by its name or dotted path, or a place and what is made of the value there. */
type Source = z.infer<typeof source>;

/** Which fields of a record are what. What is left out is not told, or is as the format has it. */
export type Mapping = z.infer<typeof mapping>;

type SignalSource = z.infer<typeof signal>;

/** What a mapping file says. @throws DethroneError `mapping_invalid`: what is wrong where */
export function checkedMapping(value: unknown): Mapping {
  const result = mapping.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = (issue?.path ?? []).map(String).join(".") || "the mapping";
  const unions = issue?.code === "invalid_union" ? issue.errors.flat().map(({ message }) => message) : [];
  const message = [...new Set(unions)].join(", or ") || issue?.message || "is invalid";
  throw new DethroneError("mapping_invalid", `${path}: ${message}.`, {
    path,
    received: received(fieldOf(Object(value) as JsonObject, path)),
    allowed: Object.keys(mapping.shape),
  });
}

function refuse(what: string, value: Json, allowed: string): never {
  const shown = JSON.stringify(value);
  const short = shown.length > 80 ? `${shown.slice(0, 80)}...` : shown;
  throw new DethroneError("input_invalid", `${what} must be ${allowed}; received ${short}`, {
    received: value,
    allowed,
  });
}

const isAbsent = (value: Json | undefined): value is undefined | null | "" =>
  value === undefined || value === null || value === "";

/** The first of some fields that is there. */
function found(record: JsonObject, names: string | readonly string[]): Json | undefined {
  for (const name of typeof names === "string" ? [names] : names) {
    const value = fieldOf(record, name);
    if (!isAbsent(value)) return value;
  }
  return undefined;
}

const NO: readonly Json[] = [false, 0, "false", "0", "no", "n", "fail", "failed", "incorrect", "error"];

function truthOf(value: Json, truthy: true | readonly Json[]): number {
  const plain = typeof value === "string" ? value.toLowerCase() : value;
  if (truthy === true) return Number(!NO.includes(plain));
  return Number(truthy.some((each) => String(each).toLowerCase() === String(plain)));
}

/** A number, also as CSV writes it; undefined where it is none. */
function numeric(value: Json): number | undefined {
  if (typeof value === "boolean") return Number(value);
  if (value === "true" || value === "false") return Number(value === "true");
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function numberIn(what: string, value: Json, allowed = "a number"): number {
  return numeric(value) ?? refuse(what, value, allowed);
}

function valueFor(what: string, value: Json, values: Readonly<Record<string, number>>): number {
  const name = String(value);
  if (Object.hasOwn(values, name)) return values[name] as number;
  return refuse(what, value, `one of ${Object.keys(values).join(", ")}`);
}

/** The value of a source, as its record has it or as it is to be made. */
function valueIn(what: string, given: Source, record: JsonObject): Json | undefined {
  if (typeof given === "string") return found(record, given);
  const { values, truthy, scale, multiply } = given;
  let value = given.field === undefined ? (given.value as Json) : found(record, given.field);
  if (isAbsent(value)) return undefined;
  if (values) value = valueFor(what, value, values);
  if (truthy !== undefined) value = truthOf(value, truthy);
  if (scale) value = (numberIn(what, value) - scale[0]) / (scale[1] - scale[0]);
  return multiply === undefined ? value : numberIn(what, value) * multiply;
}

function textOf(what: string, given: Source | undefined, record: JsonObject): string | null {
  const value = given === undefined ? undefined : valueIn(what, given, record);
  if (value === undefined) return null;
  return typeof value === "object" ? refuse(what, value, "a text") : String(value);
}

/** What a number of this size counts: seconds, milliseconds, microseconds or nanoseconds since 1970. */
const TIMES: readonly (readonly [below: number, perMs: number])[] = [
  [1e11, 0.001],
  [1e14, 1],
  [1e17, 1e3],
  [Number.POSITIVE_INFINITY, 1e6],
];

const WITHOUT_ZONE = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)\d*$/;

/** Any other order of day and month is a guess. */
const ISO = /^\d{4}-\d\d/;

/** A time as other systems write them: a number of seconds or of parts of them, ISO 8601; UTC where no zone is given. */
function timeOf(what: string, given: Source | undefined, record: JsonObject): number | null {
  const value = given === undefined ? undefined : valueIn(what, given, record);
  if (value === undefined) return null;
  const number = typeof value === "boolean" ? undefined : numeric(value);
  const [, perMs = 1] = TIMES.find(([below]) => number !== undefined && Math.abs(number) < below) ?? [];
  const [, date, time] = WITHOUT_ZONE.exec(String(value)) ?? [];
  const text = date ? `${date}T${time}Z` : String(value);
  const atMs = number === undefined ? (ISO.test(text) ? Date.parse(text) : Number.NaN) : number / perMs;
  return Number.isFinite(atMs) && atMs >= 0
    ? Math.round(atMs)
    : refuse(what, value, "a time since 1970: a number, or ISO 8601");
}

const UNIT = "a number in [0, 1] or a boolean; say in the mapping what it means, e.g. with 'scale'";

function unitNumber(what: string, value: Json): number {
  const number = numberIn(what, value, UNIT);
  return number >= 0 && number <= 1 ? number : refuse(what, value, UNIT);
}

function objectIn(what: string, value: Json): JsonObject {
  let object = value;
  // A cell of CSV holds JSON as a text.
  if (typeof value === "string" && value.startsWith("{")) {
    try {
      object = JSON.parse(value) as Json;
    } catch {
      return refuse(what, value, "a JSON object");
    }
  }
  const isObject = typeof object === "object" && object !== null && !Array.isArray(object);
  return isObject ? (object as JsonObject) : refuse(what, value, "a JSON object");
}

/** An object that is one field, or made of several; null where none of them is there. */
function fieldsOf(
  what: string,
  given: string | Readonly<Record<string, Source>> | undefined,
  record: JsonObject,
): JsonObject | null {
  if (given === undefined) return null;
  if (typeof given === "string") {
    const value = found(record, given);
    return value === undefined ? null : objectIn(what, value);
  }
  const entries = Object.entries(given).flatMap(([name, each]) => {
    const value = valueIn(`${what}.${name}`, each, record);
    return value === undefined ? [] : [[name, value] as const];
  });
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

function isMeant({ when }: SignalSource, record: JsonObject): boolean {
  return Object.entries(when ?? {}).every(([name, wanted]) => {
    const value = fieldOf(record, name) ?? null;
    return (Array.isArray(wanted) ? wanted : [wanted]).some((each) => String(each) === String(value));
  });
}

function signalsOf(given: SignalSource, record: JsonObject): PastSignal[] {
  if (!isMeant(given, record)) return [];
  const kind = given.kind ?? null;
  const own = textOf("the signal's key", given.key, record);
  const named = (name: string, value: Json): Pick<PastSignal, "key" | "name" | "value" | "kind"> => ({
    name,
    key: own === null ? null : `${own}:${name}`,
    value: kind === null ? numberIn(`'${name}'`, value) : unitNumber(`'${name}'`, value),
    kind,
  });
  if ("each" in given) {
    const values = found(record, given.each);
    const entries = values === undefined ? [] : Object.entries(objectIn(`'${given.each}'`, values));
    return entries
      .filter(([, value]) => !isAbsent(value) && numeric(value) !== undefined)
      .map(([name, value]) => ({ ...named(name, value), source: null, atMs: null }));
  }
  const name = typeof given.name === "string" ? given.name : found(record, given.name.field);
  const value = isAbsent(name) ? undefined : valueIn(`'${String(name)}'`, given.value, record);
  if (value === undefined) return [];
  return [
    {
      ...named(String(name), value),
      source: textOf("the signal's source", given.source, record),
      atMs: timeOf("the signal's time", given.at, record),
    },
  ];
}

/**
 * What a record says of its session.
 *
 * @throws DethroneError `input_invalid`: which field must be what
 */
export function mapRecord(map: Mapping, record: JsonObject): PastSession {
  const score = map.score === undefined ? undefined : valueIn("the score", map.score, record);
  return {
    id: textOf("the session's id", map.session, record),
    unit: textOf("the unit", map.unit, record),
    config: fieldsOf("the config", map.config, record),
    startedAtMs: timeOf("the start", map.startedAt, record),
    endedAtMs: timeOf("the end", map.endedAt, record),
    score: score === undefined ? null : unitNumber("the score", score),
    context: fieldsOf("the context", map.context, record),
    signals: (map.signals ?? []).flatMap((each) => signalsOf(each, record)),
  };
}
