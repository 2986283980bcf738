/**
 * What people see of upkeep. Data in, text out.
 */

import { shortId } from "../core/words/names.js";
import { plural } from "../core/words/numbers.js";
import type { BackupFile } from "../engine/ports.js";
import type { DoctorReport } from "../engine/upkeep/doctor.js";
import type { Finding, Severity } from "../engine/upkeep/findings.js";
import type { ForgetResult } from "../engine/upkeep/forget.js";
import type { PruneResult } from "../engine/upkeep/prune.js";
import { type Colors, table } from "./render.js";
import { lineWidth, timeText, wrapped } from "./views.js";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** "0 B", "12.3 kB", "4.0 GB". */
function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.95 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

const INDENT = 9;

const indented = (text: string): string =>
  wrapped(text, lineWidth() - INDENT).replaceAll("\n", `\n${" ".repeat(INDENT)}`);

function findingText({ severity, message, advice }: Finding, colors: Colors): string {
  const paint: Record<Severity, (text: string) => string> = {
    ok: colors.green,
    warning: colors.yellow,
    problem: colors.red,
  };
  const head = `${paint[severity](severity)}${" ".repeat(INDENT - severity.length)}${indented(message)}`;
  return advice === null ? head : `${head}\n${" ".repeat(INDENT)}${colors.dim(indented(advice))}`;
}

const RANK: Record<Severity, number> = { problem: 0, warning: 1, ok: 2 };

function factsText({ database, counts, version, node }: DoctorReport, nowMs: number, colors: Colors): string {
  const { path, bytes, walBytes, freePages, pageBytes, schema } = database;
  const lastTick = counts.lastTickAtMs === null ? "none yet" : timeText(counts.lastTickAtMs);
  const rows: [string, string][] = [
    ["file", path],
    ["size", `${bytesText(bytes)}, log ${bytesText(walBytes)}, free ${bytesText(freePages * pageBytes)}`],
    ["schema", `${schema.applied} of ${schema.known}`],
    [
      "content",
      [
        plural(counts.projects, "project"),
        plural(counts.experiments, "experiment"),
        plural(counts.sessions, "session"),
        plural(counts.signals, "signal"),
      ].join(", "),
    ],
    ["last tick", lastTick],
    ["now", `${timeText(nowMs)}, dethrone ${version}, node ${node}`],
  ];
  return table(
    rows.map(([name, value]) => [colors.dim(name), value]),
    { align: ["left", "left"] },
  );
}

function verifiedText({ verification }: DoctorReport): string[] {
  if (!verification) return ["Everything recomputed: 'dethrone doctor --verify'."];
  const { experiments, units, archives, decisions, differentEvidence, differentDecisions } = verification;
  const folded = `${plural(experiments, "experiment")} folded from zero (${plural(units, "unit")}, ${archives} from archives)`;
  const different = differentEvidence.length + differentDecisions.length;
  return [`${folded}, ${plural(decisions, "decision")} recomputed, ${different} different.`];
}

/** The doctor's report on one screen, the worst first. */
export function doctorText(report: DoctorReport, nowMs: number, colors: Colors): string {
  const findings = [...report.findings].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  const count = (severity: Severity): number => findings.filter((each) => each.severity === severity).length;
  const verdict = report.isHealthy ? colors.green("healthy") : colors.red("not healthy");
  return [
    factsText(report, nowMs, colors),
    "",
    ...findings.map((finding) => findingText(finding, colors)),
    "",
    ...verifiedText(report),
    `${verdict}: ${plural(count("problem"), "problem")}, ${plural(count("warning"), "warning")}.`,
  ].join("\n");
}

/** What was deleted. */
export function pruneText(result: PruneResult, colors: Colors): string {
  const { isDryRun, projects, sessions, signals, evaluations, freedBytes, returnedBytes } = result;
  const rows = projects.map((each) => [
    each.project,
    each.experiments.length,
    each.sessions,
    each.signals,
    each.evaluations,
  ]);
  const kept = projects.flatMap((each) =>
    each.kept.map(({ experiment, why }) => `Kept ${shortId(experiment)} of ${each.project}: ${why}.`),
  );
  const logged =
    evaluations === 0 ? "" : `, and ${plural(evaluations, "entry", "entries")} of the log of evaluations,`;
  const total = `${plural(sessions, "session")} and ${plural(signals, "signal")}${logged}`;
  if (isDryRun) kept.push(`${total} would be deleted.`);
  else {
    const returned = returnedBytes > 0 ? `, ${bytesText(returnedBytes)} given back` : "";
    kept.push(`${total} deleted, ${bytesText(freedBytes)} freed${returned}.`);
  }
  if (rows.length === 0) return `Nothing is older than ${timeText(result.beforeMs)}.`;
  return [
    table(rows, { header: ["project", "experiments", "sessions", "signals", "evaluations"], colors }),
    "",
    ...kept,
  ].join("\n");
}

/** What was erased. */
export function forgetText(result: ForgetResult): string {
  const { isDryRun, sessions, openSessions, experiments, overrides, auditEntries, isErased } = result;
  if (sessions + experiments + overrides + auditEntries === 0) return "Nothing is stored of this unit.";
  const where = `${plural(sessions, "session")} in ${plural(experiments, "experiment")}, ${plural(overrides, "override")} and ${auditEntries} lines of the audit log`;
  if (isDryRun) return `Would erase this unit from ${where}.`;
  return [
    `Erased this unit from ${where}. The evidence is as it was.`,
    ...(openSessions > 0
      ? [`${plural(openSessions, "session")} had not settled, and left the evidence.`]
      : []),
    ...(isErased
      ? []
      : [
          "Another process reads the file: its traces are still in the log beside it. Forget the unit again later.",
        ]),
  ].join("\n");
}

/** What was copied. */
export function backupText({ path, bytes }: BackupFile): string {
  return `Copied the database to ${path} (${bytesText(bytes)}), and checked the copy. To restore it, use this file.`;
}
