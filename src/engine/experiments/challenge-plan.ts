/**
 * A challenge as it is asked for: challengers and options, checked; what depends on the project's past is still open.
 */
import { createPolicy, type Policy, type PolicyInput, type PolicyName } from "../../core/decision/policy.js";
import { createShareRule, type ShareRuleInput, startShares } from "../../core/decision/share-rule.js";
import { DethroneError, received } from "../../core/errors.js";
import { type Assign, type AssignInput, createAssign } from "../../core/sessions/assign.js";
import { HASH_VERSION, type HashVersion } from "../../core/sessions/assignment.js";
import { configWithoutSecrets } from "../configs/secrets.js";
import type { Audience, Description, NewConfig, Watch } from "../ports.js";
import { checkAudience } from "../sessions/audience.js";
import { checkActor, DEFAULT_ACTOR } from "./audit.js";
import { checkLabel, type DescriptionInput, describe, isText, timeMs } from "./description.js";
import { type DetectGoal, detectGoal } from "./detect.js";

/** The challengers' share where none is given. */
const DEFAULT_SHARE = 0.2;

/** How challengers are to contend. */
export interface ChallengeOptions extends DescriptionInput {
  /**
   * the challenger's share of traffic, in [0.01, 0.99], or 0; several challengers divide it, or a list gives each its
   * own; `ramp`: 5, 10, 25, 50 % by quarter of the horizon, held on doubt; `adaptive`: the chance that it is better,
   * within 5 and 50 %. Default 0.2.
   */
  readonly share?: ShareRuleInput | undefined;
  /** thresholds and limits: a name (`calibrated`, `strict`, `threshold`) or the fields that differ from the default */
  readonly policy?: PolicyInput | PolicyName | undefined;
  /** planned units, all arms together; short for `policy.horizon` */
  readonly horizon?: number | undefined;
  /** uplift to be found with a power of 0.8: share and horizon then follow from `within` and the project's traffic */
  readonly detect?: number | undefined;
  /** by when, such as `14d`; with `detect` */
  readonly within?: string | undefined;
  /**
   * level by e-LOND over the project's experiments, in (0, 1): of all promotions, at most this part is expected to be
   * false, however many experiments there are; takes the place of `policy.alpha`
   */
  readonly fdr?: number | null | undefined;
  /** `approve` makes a promotion wait for a person; default `auto` */
  readonly promotion?: "auto" | "approve" | undefined;
  /** why a pair that has contended before contends again; the same reason again is the same challenge */
  readonly again?: string | undefined;
  /** a name for the challenger within its project; a list where there are several */
  readonly label?: string | readonly (string | null)[] | undefined;
  /** who takes part, by the session's `context`; default: everyone */
  readonly audience?: Audience | null | undefined;
  /** no unit takes part in two experiments of this name at once, whatever their projects */
  readonly exclusionGroup?: string | null | undefined;
  /**
   * gives sessions their arms by a rule instead of by chance. Their outcomes are observational: nothing folds, no test
   * runs, and only a person can promote. Takes the place of the share
   */
  readonly assign?: AssignInput | null | undefined;
  /**
   * after a promotion, keeps a small share on the old champion and rolls back if that proves better; `true`: 5 % until
   * 1000 units are in
   */
  readonly watch?: boolean | Watch | undefined;
  /** waits its turn where the slot is occupied, others wait already, or the budget is spent; see `queue` of a project */
  readonly queue?: boolean | undefined;
  /** dotted paths of fields that look like secrets and are none, e.g. `auth.tokenName`; see `config_secret` */
  readonly allowSecrets?: readonly string[] | undefined;
  /** version of the assignment hash; default 2 */
  readonly hashVersion?: HashVersion | undefined;
  readonly actor?: string | undefined;
}

/** A challenge, checked. */
export interface ChallengePlan {
  readonly challengers: readonly { readonly config: NewConfig; readonly label: string | null }[];
  readonly policy: Policy;
  readonly share: ShareRuleInput;
  readonly goal: DetectGoal | null;
  readonly fdr: number | null;
  readonly promotion: "auto" | "approve";
  readonly again: string;
  readonly description: Description;
  readonly audience: Audience | null;
  readonly exclusionGroup: string | null;
  readonly assign: Assign | null;
  readonly watch: Watch | null;
  readonly hashVersion: HashVersion;
  /** when a draft is to start by itself */
  readonly startsAtMs: number | null;
  /** whether it takes a place in the queue rather than being refused, or as a draft */
  readonly queue: boolean;
  readonly actor: string;
}

const CHALLENGERS_MAX = 20;
const GROUP_LENGTH_MAX = 200;
/** The watch of `watch: true`. */
export const DEFAULT_WATCH: Watch = { share: 0.05, horizon: 1000 };
const WATCH_SHARE_MAX = 0.5;

function settingsError(field: string, value: unknown, message: string): DethroneError {
  return new DethroneError("settings_invalid", message, { field, received: received(value) });
}

/** What a challenge or draft can be told. */
export const OPTION_NAMES = [
  "share",
  "policy",
  "horizon",
  "detect",
  "within",
  "fdr",
  "promotion",
  "again",
  "label",
  "audience",
  "exclusionGroup",
  "assign",
  "watch",
  "queue",
  "allowSecrets",
  "hashVersion",
  "actor",
  "hypothesis",
  "description",
  "owner",
  "tags",
  "startsAt",
] as const satisfies readonly (keyof PlanOptions)[];

/** A name that is not known would do nothing, without a word. @throws DethroneError `settings_invalid` */
export function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new DethroneError(
    "settings_invalid",
    `There is no option '${unknown}'. Known: ${known.join(", ")}.`,
    { received: unknown, allowed: known },
  );
}

function checkOptions(options: ChallengeOptions): void {
  const { promotion, again, fdr, hashVersion, exclusionGroup, queue } = options;
  if (queue !== undefined && typeof queue !== "boolean")
    throw settingsError("queue", queue, `queue must be true or false; received ${String(queue)}.`);
  if (promotion !== undefined && promotion !== "auto" && promotion !== "approve") {
    throw settingsError(
      "promotion",
      promotion,
      `promotion must be 'auto' or 'approve'; received '${String(promotion)}'.`,
    );
  }
  if (again !== undefined && typeof again !== "string")
    throw settingsError("again", again, "again must be a text: the reason to contend again.");
  if (fdr !== undefined && fdr !== null && !(typeof fdr === "number" && fdr > 0 && fdr < 1))
    throw settingsError("fdr", fdr, `fdr must be a number in (0, 1); received ${String(fdr)}.`);
  if (hashVersion !== undefined && hashVersion !== 1 && hashVersion !== 2)
    throw settingsError("hashVersion", hashVersion, `hashVersion must be 1 or 2; received ${hashVersion}.`);
  if (exclusionGroup !== undefined && exclusionGroup !== null && !isText(exclusionGroup, GROUP_LENGTH_MAX)) {
    throw settingsError(
      "exclusionGroup",
      exclusionGroup,
      `exclusionGroup must be a text of 1 to ${GROUP_LENGTH_MAX} characters.`,
    );
  }
}

/** A goal stands alone: it derives what else could be asked for. @throws DethroneError `settings_invalid` */
export function checkDetect({ detect, share, horizon, policy }: ChallengeOptions, challengers: number): void {
  if (detect === undefined) return;
  const hasHorizon = horizon !== undefined || (typeof policy === "object" && policy?.horizon !== undefined);
  if (share !== undefined || hasHorizon) {
    throw settingsError(
      "detect",
      detect,
      "detect derives the share and the horizon; leave both out, or leave detect out.",
    );
  }
  if (challengers > 1)
    throw settingsError("detect", detect, "detect plans for one challenger; give share and horizon instead.");
}

function watchOf(watch: unknown): Watch | null {
  if (watch === undefined || watch === false) return null;
  if (watch === true) return DEFAULT_WATCH;
  const { share, horizon } = (watch ?? {}) as { share?: unknown; horizon?: unknown };
  const isShare = typeof share === "number" && share >= 0.01 && share <= WATCH_SHARE_MAX;
  if (isShare && typeof horizon === "number" && Number.isSafeInteger(horizon) && horizon >= 1)
    return { share, horizon };
  throw settingsError(
    "watch",
    watch,
    `watch must be true, or { share in [0.01, ${WATCH_SHARE_MAX}], horizon of at least 1 }.`,
  );
}

/** What only makes sense where chance decides. */
const CHANCE_OPTIONS = ["share", "detect", "within", "fdr", "exclusionGroup"] as const;

/** A rule in the place of chance, which leaves nothing to what chance would decide. @throws DethroneError `settings_invalid` */
function assignOf(options: ChallengeOptions, challengers: number): Assign | null {
  const { assign, promotion } = options;
  if (assign === undefined || assign === null) return null;
  const given = CHANCE_OPTIONS.find((name) => options[name] !== undefined && options[name] !== null);
  if (given !== undefined) {
    throw settingsError(
      given,
      options[given],
      `${given} is for arms that chance gives; under assign a rule gives them. Leave one of the two out.`,
    );
  }
  if (promotion === "auto") {
    throw settingsError(
      "promotion",
      promotion,
      "Under assign nothing is randomised, so nothing promotes by itself: leave promotion out, and promote by hand.",
    );
  }
  return createAssign(assign, challengers);
}

/** Challengers as one list: neither too few nor too many, and none twice. @throws DethroneError `config_invalid` */
function checkedChallengers(list: ChallengePlan["challengers"]): ChallengePlan["challengers"] {
  if (list.length === 0 || list.length > CHALLENGERS_MAX) {
    throw new DethroneError(
      "config_invalid",
      `An experiment takes 1 to ${CHALLENGERS_MAX} challengers; received ${list.length}.`,
      { received: list.length },
    );
  }
  const hashes = list.map(({ config }) => config.hash);
  const repeated = hashes.findIndex((hash, j) => hashes.indexOf(hash) !== j);
  if (repeated === -1) return list;
  throw new DethroneError(
    "config_invalid",
    `Challenger ${repeated + 1} is the same config as an earlier one.`,
    { received: hashes[repeated] as string },
  );
}

/** The configs and labels of a challenge: one config, or a list of them. */
export function challengersFrom(
  configs: unknown,
  { label, allowSecrets }: Pick<ChallengeOptions, "label" | "allowSecrets">,
): ChallengePlan["challengers"] {
  const list: readonly unknown[] = Array.isArray(configs) ? configs : [configs];
  const labels: readonly unknown[] = Array.isArray(label) ? label : [label];
  if (labels.length > Math.max(1, list.length))
    throw settingsError("label", label, `label must be at most ${list.length}, one for each challenger.`);
  return list.map((config, j) => ({
    config: configWithoutSecrets(config, allowSecrets),
    label: checkLabel(labels[j]),
  }));
}

/**
 * A challenge, checked.
 *
 * @param configs one challenger, or a list of them
 * @throws DethroneError `config_invalid`, `config_secret`, `share_out_of_range`, `policy_invalid`, `audience_invalid`,
 *   `settings_invalid`
 */
export function planChallenge(configs: unknown, options: PlanOptions): ChallengePlan {
  return planFor(challengersFrom(configs, options), options);
}

type PlanOptions = ChallengeOptions & { readonly startsAt?: unknown };

/** A challenge of challengers that are checked one by one. @throws DethroneError as {@link planChallenge} */
export function planFor(list: ChallengePlan["challengers"], options: PlanOptions): ChallengePlan {
  const challengers = checkedChallengers(list);
  refuseUnknown(options, OPTION_NAMES);
  checkOptions(options);
  checkActor(options.actor ?? DEFAULT_ACTOR);
  checkDetect(options, challengers.length);
  const policy = createPolicy(options.policy);
  const { horizon, detect, within, startsAt, audience } = options;
  const assign = assignOf(options, challengers.length);
  const share = assign === null ? (options.share ?? DEFAULT_SHARE) : 0;
  const planned = horizon === undefined ? policy : createPolicy({ ...policy, horizon });
  if (typeof options.fdr === "number" && policy.kind === "threshold") {
    throw settingsError(
      "fdr",
      options.fdr,
      "fdr sets the level of the calibrated rule; the plain threshold rule has none. Leave one of the two out.",
    );
  }
  startShares(createShareRule(share, planned.horizon), challengers.length);
  return {
    challengers,
    policy: planned,
    share,
    goal: detect === undefined && within === undefined ? null : detectGoal(detect, within),
    fdr: options.fdr ?? null,
    promotion: assign === null ? (options.promotion ?? "auto") : "approve",
    again: options.again ?? "",
    description: describe(options),
    audience: audience === undefined || audience === null ? null : checkAudience(audience),
    exclusionGroup: options.exclusionGroup ?? null,
    assign,
    watch: watchOf(options.watch),
    hashVersion: options.hashVersion ?? HASH_VERSION,
    queue: options.queue ?? false,
    startsAtMs: startsAt === undefined || startsAt === null ? null : timeMs("startsAt", startsAt),
    actor: options.actor ?? DEFAULT_ACTOR,
  };
}
