/**
 * The entries of the audit log in words.
 */
import type { Json, JsonObject } from "../../core/errors.js";
import { listed, short } from "../../core/words/names.js";
import { percent, plural } from "../../core/words/numbers.js";
import { DAY_MS } from "../duration.js";
import type { StoredAuditEntry } from "../ports.js";

/** What the names in a log's entries are. */
export interface LogNames {
  /** of the configs that have one, by hash */
  readonly labels: ReadonlyMap<string, string | null>;
  /** hashes of the challengers of each experiment, in the order of their arms, by its id */
  readonly challengers: ReadonlyMap<string, readonly string[]>;
  /** cuts a text that is too long for where it is shown; default: it is shown whole */
  readonly clipped?: (text: string, width: number) => string;
}

interface Naming {
  /** what a config is called, by its hash */
  readonly config: (hash: Json | undefined) => string;
  /** what an arm of the entry's experiment is called, by its place */
  readonly arm: (place: Json | undefined) => string;
  readonly unit: (unit: Json | undefined) => string;
}

const UNIT_WIDTH = 24;
const NAME_WIDTH = 20;

const whole = (text: string): string => text;

const shareText = (share: Json | undefined): string => (typeof share === "number" ? percent(share) : "");

const countText = (details: JsonObject): string =>
  typeof details.sessionCount === "number" ? ` after ${plural(details.sessionCount, "session")}` : "";

/** "brief and polite against thorough, 20.0 %". */
function contestText(
  { champion, challenger, share, shares, assign }: JsonObject,
  { config }: Naming,
): string {
  if (typeof challenger !== "string") return "";
  const byShare = Array.isArray(shares) ? shares.map(shareText).join(", ") : shareText(share);
  const each = typeof assign === "string" ? `not randomised: by ${assign}` : byShare;
  return ` ${listed(challenger.split(" ").map(config))} against ${config(champion)}, ${each}`;
}

/** "0.5 within 90 days". */
function budgetText(terms: Json | undefined): string {
  const { limit, windowMs } = (terms ?? {}) as JsonObject;
  if (typeof limit !== "number") return "none";
  return typeof windowMs === "number" ? `${limit} within ${windowMs / DAY_MS} days` : String(limit);
}

const FIELDS: Record<string, string> = {
  horizon: "planned sessions",
  futility: "futility rule",
  minPerArm: "sessions an arm needs",
  shareRule: "share",
  startsAt: "time of the start",
  queue: "place in the queue",
  add: "challengers added",
  remove: "challengers taken out",
  fdr: "level",
  exclusionGroup: "exclusion group",
  assign: "what gives the arms",
  hashVersion: "hash version",
  allowSecrets: "fields that are no secrets",
};

const fieldsText = (fields: readonly Json[]): string =>
  fields.map((field) => FIELDS[String(field)] ?? String(field)).join(", ");

/** What an action was about. What the details lack is left out: older logs say less. */
const ABOUT: Record<string, (details: JsonObject, naming: Naming) => string> = {
  created: ({ champion }, { config }) => `created with champion ${config(champion)}`,
  started: (details, naming) => `started${contestText(details, naming)}`,
  drafted: (details, naming) => `drafted${contestText(details, naming)}`,
  queued: (details, naming) => `queued${contestText(details, naming)}`,
  "queue-moved": ({ place }) => `moved to place ${String(place)} of the queue`,
  unqueued: () => "taken out of the queue",
  "queue-skipped": () => "skipped in the queue",
  budget: ({ from, to }) => `budget ${budgetText(from)} -> ${budgetText(to)}`,
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
  override: ({ unit, arm }, naming) => `override ${naming.unit(unit)} -> ${naming.arm(arm)}`,
  "override-removed": ({ unit }, naming) => `override of ${naming.unit(unit)} taken away`,
  pruned: ({ sessions, experiments }) =>
    `pruned ${plural(Number(sessions), "session")} of ${plural(Array.isArray(experiments) ? experiments.length : 0, "experiment")} and of none`,
  paused: () => "paused",
  resumed: () => "resumed",
  archived: () => "archived",
  imported: ({ sessions, format }) =>
    `imported ${plural(Number(sessions), "session")} recorded elsewhere (${String(format)})`,
  forgotten: ({ sessions }) => `a unit forgotten, ${plural(Number(sessions), "session")}`,
  "study-created": ({ study }) => `study ${String(study)} created`,
  "study-concluded": ({ study }) => `study ${String(study)} concluded`,
  "study-archived": ({ study }) => `study ${String(study)} put away`,
  labelled: ({ config: hash, label }) =>
    label === null
      ? `label of ${short(String(hash))} taken away`
      : `${short(String(hash))} labelled ${String(label)}`,
};

/** Every action of the log. */
export const ACTIONS: readonly string[] = Object.keys(ABOUT);

/** An entry of the log in words. */
export function actionText(
  { action, details, experimentUid }: StoredAuditEntry,
  { labels, challengers, clipped = whole }: LogNames,
): string {
  const nameOf = (hash: string): string => clipped(labels.get(hash) || short(hash), NAME_WIDTH);
  const config = (hash: Json | undefined): string =>
    typeof hash === "string" ? nameOf(hash) : "the challenger";
  const arm = (place: Json | undefined): string => {
    if (place === 0) return "champion";
    const hash = challengers.get(experimentUid ?? "")?.[Number(place) - 1];
    return hash === undefined ? `challenger ${String(place)}` : nameOf(hash);
  };
  const unit = (each: Json | undefined): string => clipped(String(each), UNIT_WIDTH);
  return (ABOUT[action]?.(details, { config, arm, unit }) ?? action.replaceAll("-", " ")).trim();
}

/** Why it was done; null where the action says as much. */
export function whyOf({ action, reason }: Pick<StoredAuditEntry, "action" | "reason">): string | null {
  return action === "awaiting-approval" ? null : reason;
}
