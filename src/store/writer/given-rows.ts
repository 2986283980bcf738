/**
 * Rows on their way into one statement: what is the same in all of them is bound once, the rest travels as one JSON text.
 * To take a field out of the JSON costs SQLite about as much as to store it, and most columns of a batch are the same
 * in every row. json_each gives its rows in their order, which is the order of assignment: no sorting is needed.
 */
import { exactParts } from "./exact-number.js";
import type { Value } from "./write-protocol.js";

type Field = string | number | null;

/** One array a column, all of one length. */
export type Columns = Readonly<Record<string, readonly Field[]>>;

/** A subquery that gives the rows, in their order, and what is bound to it. */
export interface GivenRows {
  readonly sql: string;
  /** what keeps a join in their order; empty where nothing is needed for that */
  readonly order: string;
  readonly values: readonly Value[];
}

/**
 * Brings rows into a statement, in the way of its database; null for those that cannot travel exactly.
 *
 * @param exact the column of numbers that need not be whole
 */
export type GiveRows = (columns: Columns, exact?: string) => GivenRows | null;

/** Half a character, as a cut through an emoji leaves: JSON hands it on, where a value that is bound becomes U+FFFD. */
const LONE_SURROGATE = /\\ud[89a-f]/;

/**
 * The rows as a subquery; null for the few that cannot travel exactly: with half a character, or one of the numbers that
 * {@link exactParts} refuses.
 */
export const givenRows: GiveRows = (columns, exact) => {
  const given = Object.entries(columns);
  const rows: Field[][] = (given[0]?.[1] ?? []).map(() => []);
  const values: Value[] = [];
  const fields: string[] = [];
  let width = 0;
  for (const [name, column] of given) {
    const [first = null] = column;
    if (column.every((value) => value === first)) {
      values.push(first);
      // The JSON text is the first.
      fields.push(`?${values.length + 1} AS ${name}`);
      continue;
    }
    const isExact = name === exact && !column.every(isWhole);
    const parts = isExact ? column.map(partsOf) : null;
    if (parts?.includes(null)) return null;
    for (const [i, row] of rows.entries()) {
      if (parts) row.push(...(parts[i] as readonly Field[]));
      else row.push(column[i] as Field);
    }
    fields.push(`${isExact ? numberAt(width) : `value ->> ${width}`} AS ${name}`);
    width += isExact ? 3 : 1;
  }
  const text = JSON.stringify(rows);
  if (LONE_SURROGATE.test(text)) return null;
  const sql = `(SELECT ${fields.join(", ")} FROM json_each(?1))`;
  return { sql, order: "", values: [text, ...values] };
};

const isWhole = (value: Field): boolean => value === null || Number.isSafeInteger(value);

const partsOf = (value: Field): readonly Field[] | null =>
  value === null ? [null, 0, 0] : exactParts(value as number);

/** A number in three parts; see {@link exactParts}. */
const numberAt = (place: number): string =>
  `(CAST(value ->> ${place} AS REAL) / (1 << (value ->> ${place + 1}))) / (1 << (value ->> ${place + 2}))`;
