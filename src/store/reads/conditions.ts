/**
 * Conditions of a search, of which only some are given.
 */

type Value = string | number | null;

/** Conditions that are given, all of which must hold, and what they compare with. */
export function conditions(given: readonly (readonly [sql: string, value: Value | undefined])[]): {
  readonly sql: string;
  readonly params: Value[];
} {
  const used = given.filter(([, value]) => value !== undefined && value !== null);
  return {
    sql: used.length === 0 ? "TRUE" : used.map(([sql]) => sql).join(" AND "),
    params: used.map(([, value]) => value as Value),
  };
}

/** A list of any length as one value. */
export const listOf = (values: readonly string[] | null): string | null => values && JSON.stringify(values);

/** Internal ids of projects by their keys, a {@link listOf}. */
export const PROJECT_IDS = "(SELECT id FROM projects WHERE key IN (SELECT value FROM json_each(?)))";
