/**
 * How challengers are to contend, as flags say it.
 */
import type { PolicyInput } from "../core/decision/policy.js";
import { DethroneError, type JsonObject } from "../core/errors.js";
import type { AssignInput } from "../core/sessions/assign.js";
import { parseDuration } from "../engine/duration.js";
import { type ChallengeOptions, DEFAULT_WATCH } from "../engine/experiments/challenge-plan.js";
import type { DescriptionInput } from "../engine/experiments/description.js";
import type { DraftOptions } from "../engine/experiments/drafts.js";
import type { Audience, Watch } from "../engine/ports.js";
import type { ChallengerFlags } from "./config-flags.js";
import { LIVE, type PolicyFlags, policyFrom, shareFrom } from "./policy-flags.js";
import { type FileSettings, invalidFlag, numberFrom, readText } from "./settings.js";

/** Flags of what people say of an experiment. */
export interface DescriptionFlags {
  readonly hypothesis?: string;
  readonly description?: string;
  readonly owner?: string;
  readonly tag?: readonly string[];
}

/** Flags of who takes part. */
export interface AudienceFlags {
  readonly audience?: string;
  readonly where?: readonly string[];
  readonly includeGroup?: readonly string[];
  readonly excludeGroup?: readonly string[];
}

/** Flags that plan a contest, of `challenge` and `edit`. */
export interface PlanningFlags extends PolicyFlags, DescriptionFlags, AudienceFlags {
  readonly share?: string;
  readonly horizon?: string;
  readonly promotion?: string;
  readonly detect?: string;
  readonly within?: string;
  readonly fdr?: string;
  readonly label?: readonly string[];
  readonly exclusionGroup?: string;
  readonly assign?: string;
  /** true where no share is given */
  readonly watch?: string | true;
  readonly watchHorizon?: string;
  readonly hashVersion?: string;
  readonly startsAt?: string;
  readonly allowSecret?: readonly string[];
}

/** Flags of `challenge`. */
export interface ChallengeFlags extends PlanningFlags, ChallengerFlags {
  readonly again?: string;
  readonly draft?: boolean;
  readonly queue?: boolean;
  readonly dryRun?: boolean;
}

/** The same without what is undefined: an edit takes every field it is given for a change. */
export function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

const optionalNumber = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : numberFrom(text);

/** An empty text takes away what was said. */
const spoken = (text: string | undefined): string | null | undefined => (text === "" ? null : text);

/** What the flags say of an experiment; an empty text takes away what was said. */
export function descriptionFrom({ hypothesis, description, owner, tag }: DescriptionFlags): DescriptionInput {
  return withoutUndefined({
    hypothesis: spoken(hypothesis),
    description: spoken(description),
    owner: spoken(owner),
    tags: tag?.filter((each) => each !== ""),
  });
}

const EVERYONE = "everyone";

/** JSON, or that of a file. @throws DethroneError `usage_invalid`, `input_invalid` */
function jsonFlag(flag: string, text: string, allowed: string): unknown {
  try {
    return JSON.parse(text.startsWith("@") ? readText(text.slice(1)) : text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return invalidFlag(flag, text, `${allowed}, or @file.json`);
  }
}

function givenAudience(text: string | undefined): Audience {
  if (text === undefined || text === EVERYONE) return {};
  const allowed = `${EVERYONE}, JSON such as '{"where":{"plan":"pro"}}'`;
  return jsonFlag("--audience", text, allowed) as Audience;
}

/** What gives sessions their arms; null for chance, undefined where the flag is not given. The engine checks it. */
function assignFrom(text: string | undefined): AssignInput | null | undefined {
  if (text === undefined) return undefined;
  if (text === "chance") return null;
  if (text === "round-robin") return { by: "round-robin" };
  const allowed = `chance, round-robin, JSON such as '{"by":"attribute","field":"plan","map":{"pro":"challenger"}}'`;
  return jsonFlag("--assign", text, allowed) as AssignInput;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The fields of `--where field=value`, added to those of `--audience`. */
function whereFrom(pairs: readonly string[], given: JsonObject | undefined): JsonObject {
  const fields = new Map<string, unknown>(Object.entries(given ?? {}));
  for (const pair of pairs) {
    const split = pair.indexOf("=");
    const field = pair.slice(0, Math.max(0, split));
    if (field === "") invalidFlag("--where", pair, "field=value, of the session's context");
    if (fields.has(field)) invalidFlag("--where", pair, `each field once: '${field}' is there already`);
    fields.set(field, jsonOr(pair.slice(split + 1)));
  }
  return Object.fromEntries(fields) as JsonObject;
}

/** Who takes part; undefined where no flag says anything. @throws DethroneError `usage_invalid`, `input_invalid` */
export function audienceFrom(flags: AudienceFlags): Audience | undefined {
  const { audience, where, includeGroup, excludeGroup } = flags;
  if ([audience, where, includeGroup, excludeGroup].every((flag) => flag === undefined)) return undefined;
  const given = givenAudience(audience);
  // What is no object is told by the engine, as it came.
  if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
  return {
    ...given,
    ...(where && { where: whereFrom(where, given.where) }),
    ...(includeGroup && { includeGroups: [...(given.includeGroups ?? []), ...includeGroup] }),
    ...(excludeGroup && { excludeGroups: [...(given.excludeGroups ?? []), ...excludeGroup] }),
  };
}

/**
 * The watch after a promotion.
 *
 * @param before what holds where the flags leave it open
 */
export function watchFrom(
  { watch, watchHorizon }: Pick<PlanningFlags, "watch" | "watchHorizon">,
  before: Watch | null = null,
): false | Watch | undefined {
  if (watch === undefined && watchHorizon === undefined) return undefined;
  const base = before ?? DEFAULT_WATCH;
  if (watch === "off") {
    if (watchHorizon !== undefined) invalidFlag("--watch-horizon", watchHorizon, "no --watch off beside it");
    return false;
  }
  const share = watch === undefined || watch === true ? base.share : numberFrom(watch);
  if (Number.isNaN(share))
    invalidFlag("--watch", String(watch), "the old champion's share, e.g. 0.05, or off");
  return { share, horizon: optionalNumber(watchHorizon) ?? base.horizon };
}

const DATE = /^\d{4}-\d{2}-\d{2}/;

/**
 * A time to come: `2026-12-01T09:00Z`, or a duration from now such as `2h`.
 *
 * @throws DethroneError `usage_invalid`
 */
export function timeFrom(flag: string, text: string, nowMs: number): number {
  const fromNow = parseDuration(text);
  if (fromNow !== null) return nowMs + fromNow;
  const ms = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  return invalidFlag(flag, text, "a time such as 2026-12-01T09:00:00Z, or from now such as 2h or 3d");
}

/** When a draft is to start; null for `never`, undefined where the flag is not given. */
function startsAtFrom(text: string | undefined, nowMs: number): number | null | undefined {
  if (text === undefined) return undefined;
  return text === "never" ? null : timeFrom("--starts-at", text, nowMs);
}

function checkGoal({ detect, within }: PlanningFlags): void {
  if ((detect === undefined) === (within === undefined)) return;
  throw new DethroneError(
    "usage_invalid",
    "--detect and --within go together: --detect 0.1 --within 14d finds an uplift of 10 points in 14 days.",
    { received: detect === undefined ? "--within" : "--detect" },
  );
}

/** What the planning flags ask for, and nothing of what they leave open. @throws DethroneError `usage_invalid` */
export function planningFrom(flags: PlanningFlags, nowMs: number, before: Watch | null = null): DraftOptions {
  checkGoal(flags);
  const { share, detect, within, label, exclusionGroup, hashVersion } = flags;
  return withoutUndefined({
    ...descriptionFrom(flags),
    share: share === undefined ? undefined : shareFrom(share),
    horizon: optionalNumber(flags.horizon),
    detect: optionalNumber(detect),
    within,
    fdr: optionalNumber(flags.fdr),
    promotion: flags.promotion as ChallengeOptions["promotion"],
    label,
    audience: audienceFrom(flags),
    exclusionGroup,
    assign: assignFrom(flags.assign),
    watch: watchFrom(flags, before),
    hashVersion: hashVersion === undefined ? undefined : (Number(hashVersion) as 1 | 2),
    startsAt: startsAtFrom(flags.startsAt, nowMs),
    allowSecrets: flags.allowSecret,
  });
}

/** What `challenge` asks for: the flags over the configuration file. @throws DethroneError `usage_invalid` */
export function challengeOptions(file: FileSettings, flags: ChallengeFlags, nowMs: number): DraftOptions {
  const { again, audience } = flags;
  const planned = planningFrom(flags, nowMs);
  // The file's share is a default; a goal or a rule that is asked for takes its place.
  const hasOther = flags.detect !== undefined || (planned.assign ?? null) !== null;
  const fileShare = hasOther ? undefined : file.share;
  const isEveryone = audience === EVERYONE && Object.keys(planned.audience ?? {}).length === 0;
  return {
    ...planned,
    ...(isEveryone && { audience: undefined }),
    policy: policyFrom(flags, file.policy ?? {}, LIVE),
    share: planned.share ?? fileShare,
    again,
    queue: flags.queue,
  };
}

/** The policy of an edit; undefined where no flag is about it. */
export function editedPolicy(flags: PlanningFlags, before: PolicyInput, file: FileSettings) {
  const { policy, metric, guardrail, minUplift } = flags;
  if ([policy, metric, guardrail, minUplift].every((flag) => flag === undefined)) return undefined;
  // Another rule begins with its own defaults; a change of the rule there is, with what that says.
  const { horizon, ...rest } = before;
  // A goal brings a horizon of its own.
  const kept = horizon === undefined || flags.detect !== undefined ? {} : { horizon };
  return policyFrom(flags, { ...(policy === undefined ? rest : file.policy), ...kept }, LIVE);
}
