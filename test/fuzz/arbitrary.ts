import fc, { type Arbitrary } from "fast-check";

/** As much of JSON Schema as the document uses. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

/** What is there, so that some requests meet it: texts by the name of the field they belong in. */
export type Known = Readonly<Record<string, readonly string[]>>;

const EDGES = [0, 1, -1, 0.5, 0.01, 0.99, 1e-300, 1e308, 2 ** 53, -0, 10_000, 4e9];
const TEXTS = [
  "",
  " ",
  "champion",
  "none",
  "1",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud83d\ude00",
  "'; --",
  "{}",
];

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(...EDGES),
  fc.constantFrom(...TEXTS),
  fc.constant(undefined),
);

function numbers({ type, minimum = -1e6, maximum = 1e6 }: Schema): Arbitrary<unknown> {
  const low = Math.max(minimum, -Number.MAX_SAFE_INTEGER);
  const high = Math.min(maximum, Number.MAX_SAFE_INTEGER);
  const any =
    type === "integer"
      ? fc.oneof(fc.integer({ min: Math.ceil(low), max: Math.min(high, low + 30) }), fc.maxSafeInteger())
      : fc.double({ min: low, max: high, noNaN: true });
  const edges = EDGES.filter((edge) => edge >= low && edge <= high);
  return edges.length === 0 ? any : fc.oneof(any, fc.constantFrom(...edges));
}

function texts(name: string, known: Known): Arbitrary<unknown> {
  const there = known[name] ?? [];
  const any = fc.oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom(...TEXTS));
  return there.length === 0 ? any : fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...there) }, any);
}

function objects({ properties = {}, required = [] }: Schema, known: Known): Arbitrary<unknown> {
  if (Object.keys(properties).length === 0) {
    const there = (known.configs ?? []).map((text) => JSON.parse(text) as unknown);
    return fc.oneof(fc.constantFrom({}, ...there), fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })));
  }
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, name, known)]),
  );
  return fc.record(fields, { requiredKeys: [...required] });
}

/** Values that a schema allows, and now and then one that it may not. */
export function valuesOf(schema: Schema, name: string, known: Known): Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: allowedBy(schema, name, known) }, { weight: 1, arbitrary: junk });
}

function allowedBy(schema: Schema, name: string, known: Known): Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => allowedBy(choice, name, known)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case "string":
      return texts(name, known);
    case "number":
    case "integer":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(valuesOf(schema.items ?? {}, name, known), {
        maxLength: Math.min(4, schema.maxItems ?? 4),
      });
    case "object":
      return objects(schema, known);
    default:
      return junk;
  }
}
