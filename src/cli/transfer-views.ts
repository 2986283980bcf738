/**
 * What people see of data that has been carried over. Data in, text out.
 */
import { plural } from "../core/words/numbers.js";
import type { ImportResult } from "../engine/imports/import-sessions.js";
import type { TransferResult } from "../engine/transfer/fill.js";
import { type Colors, table } from "./render.js";

/** What was exported. */
export const exportText = (file: string, what: string, format: string): string =>
  `Wrote ${what} to ${file}${what === "everything" && format === "jsonl" ? ". To restore it: dethrone import FILE --db NEW" : ""}.`;

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

/** What was imported, what was not, and why. */
export function importText(result: ImportResult): string {
  const { project, format, isDryRun, records, sessions, known, signals, late } = result;
  const { underChampion, untimed, refused, refusals } = result;
  const verb = isDryRun ? "Would import" : "Imported";
  const remarks: readonly (readonly [count: number, text: string])[] = [
    [known, "imported before"],
    [late, "signals too late to count, for their sessions had settled"],
    [underChampion, "under the champion's config, as the file names none"],
    [untimed, "as of now, as the file tells no time"],
    [refused, "refused:"],
  ];
  const shown = refusals.map(({ place, reason }) => `    ${place}: ${reason}`);
  const hidden = refused - refusals.length;
  return [
    `${verb} ${plural(sessions, "session")} with ${plural(signals, "signal")} into ${project}, out of ${plural(records, "record")} (${format}).`,
    ...remarks
      .filter(([count]) => count > 0)
      .map(([count, text]) => `  ${count.toLocaleString("en-US")} ${text}`),
    ...shown,
    ...(hidden > 0 ? [`    ... and ${hidden.toLocaleString("en-US")} more`] : []),
    "They stand outside of every experiment, and are never evidence.",
  ].join("\n");
}
