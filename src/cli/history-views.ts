/**
 * What people see of the audit log: who did what, when and why. Data in, text out.
 */
import type { Ledger } from "../core/decision/ledger.js";
import type { Json, JsonObject } from "../core/errors.js";
import type { StoredAuditEntry } from "../engine/ports.js";
import { clipped, type Labels, listed, nameIn, short, shortId } from "./names.js";
import { type Colors, percent, plural, table, textWidth } from "./render.js";
import { lineWidth, paragraph, timeText, wrapped } from "./views.js";

/** What the names in a log's entries are. */
export interface LogNames {
  readonly labels: Labels;
  /** hashes of the challengers of each experiment, in the order of their arms, by its id */
  readonly challengers: ReadonlyMap<string, readonly string[]>;
}

interface Naming {
  /** what a config is called, by its hash */
  readonly config: (hash: Json | undefined) => string;
  /** what an arm of the entry's experiment is called, by its place */
  readonly arm: (place: Json | undefined) => string;
}

const UNIT_WIDTH = 24;

const shareText = (share: Json | undefined): string => (typeof share === "number" ? percent(share) : "");

const countText = (details: JsonObject): string =>
  typeof details.sessionCount === "number" ? ` after ${plural(details.sessionCount, "session")}` : "";

/** "brief and polite against thorough, 20.0 %". */
function contestText({ champion, challenger, share, shares }: JsonObject, { config }: Naming): string {
  if (typeof challenger !== "string") return "";
  const each = Array.isArray(shares) ? shares.map(shareText).join(", ") : shareText(share);
  return ` ${listed(challenger.split(" ").map(config))} against ${config(champion)}, ${each}`;
}

const FIELDS: Record<string, string> = {
  horizon: "planned sessions",
  futility: "futility rule",
  minPerArm: "sessions an arm needs",
  shareRule: "share",
  startsAt: "time of the start",
  add: "challengers added",
  remove: "challengers taken out",
  fdr: "level",
  exclusionGroup: "exclusion group",
  hashVersion: "hash version",
  allowSecrets: "fields that are no secrets",
};

const fieldsText = (fields: readonly Json[]): string =>
  fields.map((field) => FIELDS[String(field)] ?? String(field)).join(", ");

const unitText = (unit: Json | undefined): string => clipped(String(unit), UNIT_WIDTH);

/** What an action was about. What the details lack is left out: older logs say less. */
const ABOUT: Record<string, (details: JsonObject, naming: Naming) => string> = {
  created: ({ champion }, { config }) => `created with champion ${config(champion)}`,
  started: (details, naming) => `started${contestText(details, naming)}`,
  drafted: (details, naming) => `drafted${contestText(details, naming)}`,
  edited: ({ fields }) => `edited ${fieldsText(Array.isArray(fields) ? fields : [])}`,
  "watch-started": (details, naming) => `watch started:${contestText(details, naming)}`,
  revised: (details) => `revised ${fieldsText(Object.keys(details))}`,
  dropped: ({ challenger }, { config }) => `dropped ${config(challenger)}`,
  "share-raised": ({ share }) => `share raised to ${shareText(share)}`,
  promoted: (details, { config }) => `promoted ${config(details.champion)}${countText(details)}`,
  approved: ({ champion }, { config }) => `approved the promotion of ${config(champion)}`,
  declined: () => "declined the promotion",
  "awaiting-approval": (details, { config }) =>
    `promotion of ${config(details.challenger)} waits for approval${countText(details)}`,
  held: (details) => `held${countText(details)}`,
  aborted: (details) => `aborted${countText(details)}`,
  rollback: ({ from, to }, { config }) => `rolled back from ${config(from)} to ${config(to)}`,
  "rolled-back": (details, { config }) => `rolled back to ${config(details.champion)}${countText(details)}`,
  holdout: ({ from, to }) => `holdout ${shareText(from)} -> ${shareText(to)}`,
  override: ({ unit, arm }, naming) => `override ${unitText(unit)} -> ${naming.arm(arm)}`,
  "override-removed": ({ unit }) => `override of ${unitText(unit)} taken away`,
  pruned: ({ sessions, experiments }) =>
    `pruned ${plural(Number(sessions), "session")} of ${plural(Array.isArray(experiments) ? experiments.length : 0, "experiment")} and of none`,
  forgotten: ({ sessions }) => `a unit forgotten, ${plural(Number(sessions), "session")}`,
  labelled: ({ config: hash, label }) =>
    label === null
      ? `label of ${short(String(hash))} taken away`
      : `${short(String(hash))} labelled ${String(label)}`,
};

/** An entry of the log in words. */
export function actionText(
  { action, details, experimentUid }: StoredAuditEntry,
  { labels, challengers }: LogNames,
): string {
  const config = (hash: Json | undefined): string =>
    typeof hash === "string" ? nameIn(labels, hash) : "the challenger";
  const arm = (place: Json | undefined): string => {
    if (place === 0) return "champion";
    const hash = challengers.get(experimentUid ?? "")?.[Number(place) - 1];
    return hash === undefined ? `challenger ${String(place)}` : nameIn(labels, hash);
  };
  return (ABOUT[action]?.(details, { config, arm }) ?? action.replaceAll("-", " ")).trim();
}

/** Why it was done; null where the action says as much. */
export function whyOf({ action, reason }: Pick<StoredAuditEntry, "action" | "reason">): string | null {
  return action === "awaiting-approval" ? null : reason;
}

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
