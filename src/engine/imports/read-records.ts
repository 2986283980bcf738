/**
 * The values of a file, one after the other, however large it is: JSON lines, one JSON document, CSV.
 */
import { pipeline, Readable } from "node:stream";
import { JSONParser } from "@streamparser/json";
import { parse as parseCsv } from "csv-parse";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { unmarked } from "../transfer/csv.js";
import { linesOf, type OpenFile } from "../transfer/lines.js";
import type { FormatRules } from "./formats.js";
import type { Place } from "./past-session.js";

/** A value of the file, or why there is none at its place. */
export interface ReadValue {
  readonly place: Place;
  readonly value: JsonObject | null;
  readonly problem: string | null;
}

/** What is looked at to find out what a file is. */
const BEGINNING_CHARS = 2 ** 20;
/** A larger cell is no field of a record. */
const RECORD_CHARS_MAX = 64 * 2 ** 20;
/** What only this package's own CSV has, whose texts are marked. */
const OWN_FIELDS: readonly string[] = ["configHash", "signalCount", "windowEndsAtMs"];

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The beginning of a file. */
export async function beginningOf(open: OpenFile): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of open()) {
    text += decoder.decode(piece, { stream: true });
    if (text.length >= BEGINNING_CHARS) break;
  }
  return text.slice(0, BEGINNING_CHARS);
}

/** Whether each line is a record by itself, rather than the file one document. */
function isLines(beginning: string, { paths, takesDocuments }: FormatRules): boolean {
  const [line = ""] = beginning.trimStart().split("\n", 1);
  try {
    const value: unknown = JSON.parse(line);
    if (!isObject(value)) return false;
    if (takesDocuments) return true;
    // A document without a line break is not one record, but what it holds.
    return !paths.some((path) => Object.hasOwn(value, path.split(".")[1] as string));
  } catch {
    return false;
  }
}

/**
 * The values of a file, in their order.
 *
 * @throws DethroneError `input_invalid` where a JSON document breaks off or is none; what came before has been given
 */
export function readValues(open: OpenFile, beginning: string, rules: FormatRules): AsyncGenerator<ReadValue> {
  const text = beginning.replace(/^\uFEFF/, "");
  if (!/^\s*[[{]/.test(text)) return csvRecords(open);
  return isLines(text, rules) ? jsonLines(open) : jsonDocument(open, text, rules);
}

async function* jsonLines(open: OpenFile): AsyncGenerator<ReadValue> {
  let number = 0;
  for await (const line of linesOf(open())) {
    number += 1;
    if (line.trim() === "") continue;
    const place = `line ${number}`;
    try {
      const value: unknown = JSON.parse(line);
      yield isObject(value)
        ? { place, value, problem: null }
        : { place, value: null, problem: "it is no JSON object" };
    } catch (error) {
      yield { place, value: null, problem: `it is not JSON: ${(error as Error).message}` };
    }
  }
}

async function* jsonDocument(
  open: OpenFile,
  beginning: string,
  { paths }: FormatRules,
): AsyncGenerator<ReadValue> {
  const isList = beginning.trimStart().startsWith("[");
  const places = isList ? ["$.*"] : paths.length > 0 ? [...paths] : ["$"];
  const parser = new JSONParser({ paths: places, keepStack: false, separator: "" });
  let found: unknown[] = [];
  parser.onValue = ({ value }) => {
    found.push(value);
  };
  let number = 0;
  const taken = function* (): Generator<ReadValue> {
    const values = found;
    found = [];
    for (const value of values) {
      number += 1;
      const place = `record ${number}`;
      yield isObject(value)
        ? { place, value, problem: null }
        : { place, value: null, problem: "it is no JSON object" };
    }
  };
  const written = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      const message = `The file is not JSON after record ${number + found.length}: ${(error as Error).message}`;
      throw new DethroneError("input_invalid", message, { record: number + found.length });
    }
  };
  let isFirst = true;
  for await (const piece of open()) {
    written(() => parser.write(isFirst ? withoutMark(piece) : piece));
    isFirst = false;
    yield* taken();
  }
  written(() => {
    if (!parser.isEnded) parser.end();
  });
  yield* taken();
  if (number > 0 || isList) return;
  const message = `The file has no records at ${places.join(" or ")}. Is it of another format?`;
  throw new DethroneError("input_invalid", message, { allowed: places });
}

/** A byte order mark is no JSON. */
const withoutMark = (piece: Uint8Array): Uint8Array =>
  piece[0] === 0xef && piece[1] === 0xbb && piece[2] === 0xbf ? piece.subarray(3) : piece;

interface CsvRow {
  readonly info: { readonly lines: number };
  readonly record: Readonly<Record<string, string>>;
}

async function* csvRecords(open: OpenFile): AsyncGenerator<ReadValue> {
  let skipped: ReadValue[] = [];
  const rows = parseCsv({
    ...{ bom: true, columns: true, info: true, skip_empty_lines: true, max_record_size: RECORD_CHARS_MAX },
    skip_records_with_error: true,
    on_skip: (error) => {
      const problem = error?.message ?? "it is no CSV";
      skipped.push({ place: `line ${String(error?.lines ?? "?")}`, value: null, problem });
      return undefined;
    },
  });
  // A failure of the file reaches whoever iterates.
  pipeline(Readable.from(open()), rows, () => undefined);
  for await (const { info, record } of rows as AsyncIterable<CsvRow>) {
    yield* skipped;
    skipped = [];
    const isOwn = OWN_FIELDS.every((name) => Object.hasOwn(record, name));
    const value = isOwn
      ? Object.fromEntries(Object.entries(record).map(([name, cell]) => [name, unmarked(cell)]))
      : record;
    yield { place: `line ${info.lines}`, value, problem: null };
  }
  yield* skipped;
}
