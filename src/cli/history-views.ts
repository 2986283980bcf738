/**
 * What people see of the audit log: who did what, when and why. Data in, text out.
 */
import type { Ledger } from "../core/decision/ledger.js";
import { shortId } from "../core/words/names.js";
import type { StoredAuditEntry } from "../engine/ports.js";
import { actionText, type LogNames, whyOf } from "../engine/words/history.js";
import { clipped } from "./names.js";
import { type Colors, table, textWidth } from "./render.js";
import { lineWidth, paragraph, timeText, wrapped } from "./views.js";

const TIME_WIDTH = 21;
const WHAT_WIDTH = 54;
const ACTOR_WIDTH = 10;

/** What was done, and why: on one line where both fit, else one below the other. */
function entryLines(entry: StoredAuditEntry, names: LogNames): { what: string[]; why: string[] } {
  const what = actionText(entry, names);
  const reason = whyOf(entry);
  if (reason === null) return { what: wrapped(what, WHAT_WIDTH).split("\n"), why: [] };
  const both = `${what}: ${reason}`;
  if (textWidth(both) <= WHAT_WIDTH && !both.includes("\n")) return { what: [both], why: [] };
  return {
    what: wrapped(what, WHAT_WIDTH).split("\n"),
    why: wrapped(reason, lineWidth() - TIME_WIDTH - 2).split("\n"),
  };
}

/** The audit log, newest first, and what it has come to. */
export function historyText(
  entries: readonly StoredAuditEntry[],
  { names, ledger, colors }: { names: LogNames; ledger: Ledger; colors: Colors },
): string {
  const told = entries.map((entry) => entryLines(entry, names));
  const rows = entries.map((entry, index) => [
    colors.dim(timeText(entry.atMs)),
    told[index]?.what[0] ?? "",
    clipped(entry.actor, ACTOR_WIDTH),
    colors.dim(shortId(entry.experimentUid ?? "")),
  ]);
  const [head = "", ...lines] = table(rows, {
    header: ["when (UTC)", "what", "who", "experiment"],
    align: ["left", "left", "left", "left"],
    colors,
  }).split("\n");
  const indent = " ".repeat(TIME_WIDTH);
  const log = lines.flatMap((line, index) => [
    line,
    ...(told[index]?.what.slice(1) ?? []).map((more) => `${indent}${more}`),
    ...(told[index]?.why ?? []).map((more) => `${indent}  ${colors.dim(more)}`),
  ]);
  return `${[head, ...log].join("\n")}\n\n${paragraph(ledger.sentence)}`;
}
