/**
 * An export of everything: JSON lines. The first says what it is and how much there is of each table, the last how many
 * rows and which SHA-256 all lines before it have; between them each is one row, with its ids, by the names of the
 * schema. One database always gives the same bytes.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { DethroneError, type Json, type JsonObject } from "../../core/errors.js";
import type { TransferRow, TransferStore, TransferTable } from "../ports.js";
import type { TransferProgress } from "./fill.js";
import { linesOf, type OpenFile } from "./lines.js";
import { type Positions, sourceOf, type TransferPage, type TransferSource } from "./source.js";

/** What the first line of an export begins with. */
export const EXPORT_MARK = '{"format":"dethrone-export"';

/** Raised when an older version of the package could no longer read what is written. */
const FORMAT_VERSION = 1;

const PAGE = 500;

interface Head {
  readonly format: string;
  readonly version: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly sequences: Readonly<Record<string, number>>;
}

function invalid(message: string, details: JsonObject = {}): never {
  throw new DethroneError("export_invalid", message, details);
}

/** Pieces of an export of all that is stored now, each of whole lines. */
export async function* exportLines(
  store: TransferStore,
  onProgress: TransferProgress = () => undefined,
): AsyncGenerator<string> {
  const snapshot = await store.snapshot();
  const hash = sha256.create();
  const told = (value: object): string => {
    const line = `${JSON.stringify(value)}\n`;
    hash.update(utf8ToBytes(line));
    return line;
  };
  try {
    const { counts, sequences, pages } = await sourceOf(snapshot, store.tables);
    yield told({ format: "dethrone-export", version: FORMAT_VERSION, rows: counts, sequences });
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    let rows = 0;
    for await (const { table, rows: page } of pages(new Map())) {
      rows += page.length;
      yield page.map((row) => told({ table: table.name, row: named(table, row) })).join("");
      onProgress(rows, total);
    }
    yield `${JSON.stringify({ end: { rows, sha256: bytesToHex(hash.digest()) } })}\n`;
  } finally {
    await snapshot.close();
  }
}

const named = ({ columns }: TransferTable, row: TransferRow): JsonObject =>
  Object.fromEntries(columns.map(({ name }, i) => [name, row[i] as Json]));

/**
 * An export as a source, once it has been read and found whole.
 *
 * @throws DethroneError `export_invalid` for a file that is cut off, damaged or no export; `export_newer`
 */
export async function exportSource(
  open: OpenFile,
  tables: readonly TransferTable[],
): Promise<TransferSource> {
  const { rows: counts, sequences } = await checked(open);
  return { counts, sequences, pages: (from) => pagesOf(open, tables, from) };
}

function parsed(line: string, number: number): JsonObject {
  try {
    return Object(JSON.parse(line)) as JsonObject;
  } catch {
    return invalid(`Line ${number} of the export is not JSON: the file is damaged or cut off.`, {
      line: number,
    });
  }
}

function headOf(line: string): Head {
  if (!line.startsWith(EXPORT_MARK)) invalid("The file is no export: its first line does not say so.");
  const head = parsed(line, 1) as unknown as Head;
  if (head.version > FORMAT_VERSION)
    throw new DethroneError(
      "export_newer",
      `The export is of format ${head.version}; this version of dethrone reads up to ${FORMAT_VERSION}. Upgrade dethrone.`,
      { received: head.version, allowed: FORMAT_VERSION },
    );
  return head;
}

/** Reads an export to its end. */
async function checked(open: OpenFile): Promise<Head> {
  const hash = sha256.create();
  let head: Head | null = null;
  let held: string | null = null;
  let lines = 0;
  for await (const line of linesOf(open())) {
    if (held !== null) hash.update(utf8ToBytes(`${held}\n`));
    head ??= headOf(line);
    held = line;
    lines += 1;
  }
  if (head === null || held === null) return invalid("The file is empty.");
  const { end } = parsed(held, lines) as { end?: { rows?: Json; sha256?: Json } };
  if (end === undefined)
    invalid(`The export is cut off after line ${lines}: it has no last line that says how it ends.`, {
      lines,
    });
  if (end.rows !== lines - 2 || end.sha256 !== bytesToHex(hash.digest()))
    invalid("The export is damaged: its lines are not those that were written.", { lines });
  return head;
}

/** Puts the rows of a table that follow each other together. */
async function* pagesOf(
  open: OpenFile,
  tables: readonly TransferTable[],
  from: Positions,
): AsyncGenerator<TransferPage> {
  const seen = new Map<TransferTable, number>();
  let table: TransferTable | undefined;
  let rows: TransferRow[] = [];
  let number = 0;
  for await (const line of linesOf(open())) {
    number += 1;
    const { table: name, row } = parsed(line, number);
    if (row === undefined) continue;
    if (table && rows.length > 0 && (table.name !== name || rows.length === PAGE)) {
      yield { table, rows };
      rows = [];
    }
    table = tables.find((each) => each.name === name) ?? unknown(`table '${String(name)}'`, number);
    const count = (seen.get(table) ?? 0) + 1;
    seen.set(table, count);
    if (count > (from.get(table.name)?.count ?? 0)) rows.push(rowIn(table, row as JsonObject, number));
  }
  if (table && rows.length > 0) yield { table, rows };
}

function rowIn({ name, columns }: TransferTable, row: JsonObject, line: number): TransferRow {
  const other = Object.keys(row).find((key) => !columns.some((column) => column.name === key));
  if (other !== undefined) unknown(`column '${other}' of '${name}'`, line);
  return columns.map(({ name: column, fallback }) => {
    const value = row[column] ?? (Object.hasOwn(row, column) ? null : fallback);
    return value === undefined ? invalid(`Line ${line} lacks '${column}' of '${name}'.`, { line }) : value;
  });
}

/** Only a version of the schema that has more writes what this one does not know. */
function unknown(what: string, line: number): never {
  throw new DethroneError(
    "export_newer",
    `Line ${line} has the ${what}, which this version of dethrone does not know. Upgrade dethrone.`,
    { line },
  );
}
