/**
 * What a person or boot code does to experiments: challenge, pause, resume, abort, promote, approve, decline, roll back.
 */
import { bucketCountOf, HASH_VERSION, shareOf } from "../core/assignment.js";
import type { Reason, Verdict } from "../core/decide.js";
import { DethroneError, received } from "../core/errors.js";
import { type ExperimentAction, nextStatus } from "../core/life-cycle.js";
import { createPolicy, type Policy, type PolicyInput } from "../core/policy.js";
import { identifyConfig, policyHashOf } from "./config.js";
import type { EngineContext } from "./context.js";
import { decisionRecord } from "./decision-record.js";
import type {
  AuditEntry,
  DecisionRecord,
  NewConfig,
  ProjectState,
  Store,
  StoredConfig,
  StoredExperiment,
} from "./ports.js";

/** The challenger's share where none is given. */
export const DEFAULT_SHARE = 0.2;

/** How a challenger is to contend. */
export interface ChallengeOptions {
  /** the challenger's share of traffic, in [0.01, 0.99], or 0; default 0.2 */
  readonly share?: number | undefined;
  /** thresholds and limits: a kind or the fields that differ from the default */
  readonly policy?: PolicyInput | Policy["kind"] | undefined;
  /** planned units, both arms together; short for `policy.horizon` */
  readonly horizon?: number | undefined;
  /** `approve` makes a promotion wait for a person; default `auto` */
  readonly promotion?: "auto" | "approve" | undefined;
  /** why a pair that has contended before contends again; the same reason again is the same challenge */
  readonly again?: string | undefined;
  readonly actor?: string | undefined;
}

/** Who did it, and why. */
export interface ByHand {
  readonly reason: string;
  readonly actor?: string | undefined;
}

/** A challenge, checked and complete. */
export interface ChallengePlan {
  readonly challenger: NewConfig;
  readonly bucketCount: number;
  readonly policy: Policy;
  readonly promotion: "auto" | "approve";
  readonly again: string;
  readonly actor: string;
}

/** What a challenge came to. */
export interface ChallengeOutcome {
  readonly experiment: StoredExperiment | null;
  readonly started: boolean;
  /**
   * `started`; `existing`: this pair runs or ended before; `overlap`: another experiment occupies the slot;
   * `is-champion`: the challenger reigns already; `pending`: the store is away and will be asked again; `off`
   */
  readonly status: "started" | "existing" | "overlap" | "is-champion" | "pending" | "off";
}

/** The actor of the audit log where none is named. */
export const DEFAULT_ACTOR = "library";

/** @throws DethroneError `config_invalid`, `share_out_of_range`, `policy_invalid`, `settings_invalid` */
export function planChallenge(config: unknown, options: ChallengeOptions): ChallengePlan {
  const { promotion = "auto", again = "" } = options;
  if (promotion !== "auto" && promotion !== "approve") {
    throw new DethroneError(
      "settings_invalid",
      `promotion must be 'auto' or 'approve'; received '${String(promotion)}'.`,
      {
        received: received(promotion),
      },
    );
  }
  if (typeof again !== "string") {
    throw new DethroneError("settings_invalid", "again must be a text: the reason to contend again.", {
      received: received(again),
    });
  }
  checkActor(options.actor ?? DEFAULT_ACTOR);
  const policy = createPolicy(options.policy);
  const { horizon } = options;
  return {
    challenger: identifyConfig(config),
    bucketCount: bucketCountOf(options.share ?? DEFAULT_SHARE),
    policy: horizon === undefined ? policy : createPolicy({ ...policy, horizon }),
    promotion,
    again,
    actor: options.actor ?? DEFAULT_ACTOR,
  };
}

/**
 * Starts an experiment, or returns the one this challenge stands for. Idempotent by champion, challenger and `again`:
 * boot code may run it in every process.
 */
export function challenge(
  context: EngineContext,
  store: Store,
  key: string,
  plan: ChallengePlan,
): Promise<ChallengeOutcome> {
  return persist(key, async () => {
    const state = await requireProject(store, key);
    const known = await knownOutcome(store, state, plan);
    if (known) return { isDone: true, result: known };
    const uid = context.ids.next();
    const isDone = await store.startExperiment(newExperiment(context, state, plan, uid));
    const experiment = await store.experimentByUid(uid);
    return { isDone, result: { experiment, started: true, status: "started" } };
  });
}

async function knownOutcome(
  store: Store,
  state: ProjectState,
  plan: ChallengePlan,
): Promise<ChallengeOutcome | null> {
  const all = await store.experiments(state.key);
  const isThisChallenger = (experiment: StoredExperiment): boolean =>
    experiment.challenger.hash === plan.challenger.hash;
  if (plan.challenger.hash === state.champion.hash) {
    const promotedBy = all.find(
      (experiment) => isThisChallenger(experiment) && experiment.status === "promoted",
    );
    return { experiment: promotedBy ?? null, started: false, status: "is-champion" };
  }
  // Without a reason the pair's newest experiment stands for the challenge, whatever reason that one had.
  const existing = all.find(
    (experiment) =>
      isThisChallenger(experiment) &&
      experiment.champion.hash === state.champion.hash &&
      (plan.again === "" || experiment.again === plan.again),
  );
  if (existing) return { experiment: existing, started: false, status: "existing" };
  if (state.experiment) return { experiment: state.experiment, started: false, status: "overlap" };
  return null;
}

function newExperiment(
  context: EngineContext,
  state: ProjectState,
  plan: ChallengePlan,
  uid: string,
): Parameters<Store["startExperiment"]>[0] {
  const { challenger, bucketCount, policy, promotion, again, actor } = plan;
  const atMs = context.clock.now();
  const planShare = shareOf(bucketCount);
  return {
    uid,
    projectId: state.id,
    championConfigId: state.champion.id,
    challenger,
    again,
    hashVersion: HASH_VERSION,
    policy,
    policyHash: policyHashOf(policy),
    bucketCount,
    planShare,
    promotion,
    audit: {
      action: "started",
      actor,
      reason: again === "" ? null : again,
      details: {
        champion: state.champion.hash,
        challenger: challenger.hash,
        share: planShare,
        horizon: policy.horizon,
      },
      atMs,
    },
    atMs,
  };
}

/** @throws DethroneError `project_not_found` */
export async function requireProject(store: Store, key: string): Promise<ProjectState> {
  const state = await store.projectState(key);
  if (state) return state;
  const known = await store.projectKeys();
  throw new DethroneError(
    "project_not_found",
    `There is no project '${key}'. ${known.length > 0 ? `Known: ${known.join(", ")}.` : "Create one with 'dethrone project create'."}`,
    { received: key, known },
  );
}

/** The experiment in the slot. @throws DethroneError `project_not_found`, `experiment_not_found` */
async function requireOccupied(store: Store, key: string): Promise<StoredExperiment> {
  const { experiment } = await requireProject(store, key);
  if (experiment) return experiment;
  throw new DethroneError("experiment_not_found", `Project '${key}' has no running or paused experiment.`, {
    project: key,
  });
}

/** @throws DethroneError `settings_invalid` */
export function checkActor(actor: unknown): void {
  if (typeof actor === "string" && actor !== "") return;
  throw new DethroneError("settings_invalid", `actor must be a text; received ${String(actor)}.`, {
    field: "actor",
    received: received(actor),
  });
}

function audit(context: EngineContext, action: string, byHand: ByHand): AuditEntry {
  const { reason, actor = DEFAULT_ACTOR } = byHand;
  checkActor(actor);
  if (typeof reason !== "string" || reason.trim() === "") {
    throw new DethroneError("settings_invalid", `To ${action} by hand takes a reason, for the audit log.`, {
      received: received(reason),
    });
  }
  return { action, actor, reason, details: {}, atMs: context.clock.now() };
}

const ATTEMPTS = 5;

/** Tries a change again on the state as it is then: a tick that folds meanwhile is no reason to refuse a person. */
async function persist<T>(
  key: string,
  attempt: () => Promise<{ readonly isDone: boolean; readonly result: T }>,
): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const { isDone, result } = await attempt();
    if (isDone) return result;
  }
  throw stateChanged(key);
}

function stateChanged(key: string): DethroneError {
  return new DethroneError(
    "state_changed",
    `Project '${key}' changed meanwhile; look again and repeat if still wanted.`,
    { project: key },
  );
}

/** Remembers what the first attempt was about, and refuses a later one about something else. */
function pinned(key: string): (subject: string) => void {
  let first: string | undefined;
  return (subject) => {
    first ??= subject;
    if (first !== subject) throw stateChanged(key);
  };
}

/** Pauses or resumes the experiment in the slot. */
export function setPaused(
  context: EngineContext,
  store: Store,
  key: string,
  action: "pause" | "resume",
  byHand: ByHand,
): Promise<void> {
  const pin = pinned(key);
  return persist(key, async () => {
    const experiment = await requireOccupied(store, key);
    pin(experiment.uid);
    const isDone = await store.changeExperiment({
      experiment,
      status: nextStatus(experiment.status, action),
      awaitingSeq: experiment.awaitingSeq,
      checkpoint: null,
      bucketCount: null,
      revision: null,
      decision: null,
      champion: null,
      audit: audit(context, action === "pause" ? "paused" : "resumed", byHand),
      atMs: context.clock.now(),
    });
    return { isDone, result: undefined };
  });
}

interface Ending {
  readonly action: Extract<ExperimentAction, "promote" | "hold" | "abort">;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly auditAction: string;
}

const ENDINGS = {
  abort: { action: "abort", verdict: "abort", reason: "manual", auditAction: "aborted" },
  promote: { action: "promote", verdict: "promote", reason: "manual", auditAction: "promoted" },
  approve: { action: "promote", verdict: "promote", reason: "evidence", auditAction: "approved" },
  decline: { action: "hold", verdict: "hold", reason: "declined", auditAction: "declined" },
} as const satisfies Record<string, Ending>;

/** How an experiment ends by hand. */
export type EndingByHand = keyof typeof ENDINGS;

function assertAwaiting(experiment: StoredExperiment, key: string): void {
  if (experiment.awaitingSeq !== null) return;
  throw new DethroneError("transition_illegal", `Project '${key}' has no promotion that awaits approval.`, {
    project: key,
    status: experiment.status,
  });
}

/** Ends the experiment in the slot by hand; the decision keeps the evidence as it stands. */
export function endByHand(
  context: EngineContext,
  store: Store,
  key: string,
  ending: EndingByHand,
  byHand: ByHand,
): Promise<DecisionRecord> {
  const { action, verdict, reason, auditAction } = ENDINGS[ending];
  const pin = pinned(key);
  return persist(key, async () => {
    const experiment = await requireOccupied(store, key);
    pin(experiment.uid);
    if (ending === "approve" || ending === "decline") assertAwaiting(experiment, key);
    const status = nextStatus(experiment.status, action);
    const entry = audit(context, auditAction, byHand);
    const decision = await decisionRecord(context, store, experiment, { verdict, reason }, byHand);
    const isDone = await store.changeExperiment({
      experiment,
      status,
      awaitingSeq: null,
      checkpoint: null,
      bucketCount: null,
      revision: null,
      decision,
      champion: status === "promoted" ? { configId: experiment.challenger.id, cause: "promoted" } : null,
      audit: entry,
      atMs: context.clock.now(),
    });
    return { isDone, result: decision };
  });
}

/**
 * Makes the previous champion the champion again. An experiment in the slot contends against a champion that is no
 * more, so it is aborted (`champion-changed`) in the same transaction.
 */
export function rollback(
  context: EngineContext,
  store: Store,
  key: string,
  byHand: ByHand,
): Promise<StoredConfig> {
  const pin = pinned(key);
  return persist(key, async () => {
    const project = await requireProject(store, key);
    pin(`${project.champion.hash} ${project.experiment?.uid ?? ""}`);
    const previous = await store.previousChampion(project.id);
    if (!previous) {
      throw new DethroneError(
        "transition_illegal",
        `Project '${key}' has had one champion only; there is none to roll back to.`,
        {
          project: key,
        },
      );
    }
    const entry = audit(context, "rollback", byHand);
    const shared = {
      audit: { ...entry, details: { from: project.champion.hash, to: previous.hash } },
      atMs: entry.atMs,
    };
    const { experiment } = project;
    const isDone = experiment
      ? await store.changeExperiment({
          ...shared,
          experiment,
          status: nextStatus(experiment.status, "abort"),
          awaitingSeq: null,
          checkpoint: null,
          bucketCount: null,
          revision: null,
          decision: await decisionRecord(context, store, experiment, CHAMPION_CHANGED, byHand),
          champion: { configId: previous.id, cause: "rollback" },
        })
      : await store.changeChampion({ ...shared, project, configId: previous.id, cause: "rollback" });
    return { isDone, result: previous };
  });
}

const CHAMPION_CHANGED = { verdict: "abort", reason: "champion-changed" } as const;
