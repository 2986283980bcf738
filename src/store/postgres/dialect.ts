/**
 * Postgres's way of saying what the store says to SQLite.
 *
 * There is one text of every statement, and one schema that builds queries and reads rows: both engines store the same
 * (integers, booleans as 0 and 1, JSON as text), so the rows are the same by construction. Statements keep to the SQL
 * that both share; the few words in which they differ are replaced here.
 */
import type { Value } from "../writer/write-protocol.js";

/** What is replaced: outside of texts and quoted names, which are passed over. */
const TOKEN = new RegExp(
  [
    `(?<kept>'(?:[^']|'')*'|"[^"]*")`,
    String.raw`(?<document>\b[a-z_.]+) ->> '(?<field>\w+)'`,
    String.raw`unhex\((?<hex>\?\d*)\)`,
    String.raw`lower\(hex\((?<bytes>"\w+")\)\)`,
    String.raw`json_each\((?<list>[a-z_.]+)\)`,
    String.raw`(?<place>\?\d*)`,
    String.raw`\b(?<word>CROSS JOIN|json_each|sqlite_sequence)\b`,
    // Keywords and columns have no capitals inside: such a name is one that the caller reads, as it is written.
    String.raw`\b(?<name>[a-z]+[A-Z]\w*)\b`,
  ].join("|"),
  "g",
);

const WORDS: Readonly<Record<string, string>> = {
  // SQLite takes the word for the order of a join; there is a condition behind it always.
  "CROSS JOIN": "JOIN",
  json_each: "json_array_elements_text",
  sqlite_sequence: `(SELECT regexp_replace(sequencename, '_(id|seq)_seq$', '') COLLATE "C" AS name, coalesce(last_value, 0) AS seq
    FROM pg_sequences WHERE schemaname = current_schema()) AS sequences`,
};

/** In SQLite null stands for the next key, and in Drizzle's words, where each row begins with it, it does. */
const NEW_KEYS = /^insert into "\w+" \("(?:id|seq)", .*?\) values \(null, /;
const CONFLICT = /on conflict \(([^)]+)\)/;

function translate(sql: string): string {
  let count = 0;
  const placeAt = (place: string): string => {
    count += 1;
    return `$${place === "?" ? count : place.slice(1)}`;
  };
  return (NEW_KEYS.test(sql) ? sql.replaceAll("(null, ", "(default, ") : sql)
    .replace(CONFLICT, (_, columns: string) => `on conflict (${columns.replaceAll(/"\w+"\./g, "")})`)
    .replaceAll(TOKEN, (...match) => {
      const { kept, document, field, hex, bytes, list, place, word, name } = match.at(-1) as Record<
        string,
        string
      >;
      if (kept !== undefined) return kept;
      if (document !== undefined) return `(${document}::json ->> '${field}')`;
      if (hex !== undefined) return `decode(${placeAt(hex)}, 'hex')`;
      if (bytes !== undefined) return `encode(${bytes}, 'hex')`;
      if (list !== undefined) return `json_array_elements_text(${list}::json)`;
      if (place !== undefined) return placeAt(place);
      return word === undefined ? `"${name}"` : (WORDS[word] as string);
    });
}

/** Texts that are remembered; most statements are asked again and again. */
const REMEMBERED_MAX = 500;
const remembered = new Map<string, string>();

/**
 * A statement of the store as Postgres takes it.
 *
 * @example
 * toPostgres("SELECT seq AS lastSeq FROM sessions WHERE id = ?"); // SELECT seq AS "lastSeq" FROM sessions WHERE id = $1
 */
export function toPostgres(sql: string): string {
  let translated = remembered.get(sql);
  if (translated === undefined) {
    translated = translate(sql);
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(sql, translated);
  }
  return translated;
}

/** A value as Postgres takes it: a text there has no zero character, which becomes U+FFFD as half characters do. */
export function toBind(value: Value): string | number | null {
  if (typeof value === "boolean") return Number(value);
  return typeof value === "string" ? value.replaceAll("\0", "\uFFFD") : value;
}
