/**
 * Records as comma-separated values (RFC 4180) that a spreadsheet takes for what they are.
 *
 * A spreadsheet runs a cell that begins with = + - @, a tab or a return as a formula. Such a text gets an apostrophe
 * before it, as spreadsheets themselves mark a text, and so does one that begins with an apostrophe: {@link unmarked}
 * gives every text back. Numbers stay numbers.
 */
import type { Json, JsonObject } from "../../core/errors.js";

const MARKED = /^[=+\-@\t\r']/;

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function cell(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "object") return quoted(JSON.stringify(value));
  if (typeof value !== "string") return String(value);
  return quoted(MARKED.test(value) ? `'${value}` : value);
}

/** The first line. */
export const csvHead = (fields: readonly string[]): string => `${fields.map(cell).join(",")}\r\n`;

/** A record as a line; what is no text or number is JSON. */
export function csvLine(fields: readonly string[], record: JsonObject): string {
  return `${fields.map((field) => cell(record[field])).join(",")}\r\n`;
}

/** A text as it was before it was marked. */
export const unmarked = (text: string): string =>
  text.startsWith("'") && MARKED.test(text.slice(1)) ? text.slice(1) : text;
