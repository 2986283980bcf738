/**
 * What people see of data that has been carried over. Data in, text out.
 */
import { plural } from "../core/words/numbers.js";
import type { TransferResult } from "../engine/transfer/fill.js";
import { type Colors, table } from "./render.js";

/** What was exported. */
export const exportText = (file: string, what: string): string =>
  `Wrote ${what} to ${file}${what === "everything" ? ". To restore it: dethrone import FILE --db NEW" : ""}.`;

/** What was copied, by table. */
export function copyText(result: TransferResult, to: string, colors: Colors): string {
  const { tables, rows, rowsBefore } = result;
  const before = rowsBefore === 0 ? "" : ` (${plural(rowsBefore, "row")} were there from a run before)`;
  const counts = Object.entries(tables).filter(([, count]) => count > 0);
  return [
    table(counts, { header: ["table", "rows"], colors }),
    "",
    `${to} holds all ${plural(rows, "row")}${before}; each was compared.`,
  ].join("\n");
}
