/**
 * Records as the lines of a file.
 */
import type { JsonObject } from "../../core/errors.js";
import { csvHead, csvLine } from "./csv.js";
import { RECORD_FIELDS, type RecordKind } from "./records.js";

/** How records are written. */
export type RecordFormat = "jsonl" | "csv";

/** A piece holds many records: each of them alone would cost more to hand on than to make. */
const PIECE_CHARS = 2 ** 16;

/** Records of one kind as pieces of a file, each of whole lines; CSV begins with the names of the fields. */
export async function* recordLines(
  records: AsyncIterable<JsonObject>,
  { what, format }: { readonly what: RecordKind; readonly format: RecordFormat },
): AsyncGenerator<string> {
  const fields = RECORD_FIELDS[what];
  let piece = format === "csv" ? csvHead(fields) : "";
  for await (const record of records) {
    piece += format === "csv" ? csvLine(fields, record) : `${JSON.stringify(record)}\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
