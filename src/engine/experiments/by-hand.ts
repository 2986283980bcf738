/**
 * What a person does to experiments: pause, resume, revise, abort, promote, approve, decline, roll back.
 */

import type { Reason, Verdict } from "../../core/decision/decide.js";
import { type ExperimentAction, nextStatus } from "../../core/decision/life-cycle.js";
import { createPolicy, type Policy, REVISABLE } from "../../core/decision/policy.js";
import { createShareRule, type ShareRuleInput, startShares } from "../../core/decision/share-rule.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import { bucketCountOf } from "../../core/sessions/assignment.js";
import type { EngineContext } from "../context.js";
import type {
  AuditEntry,
  DecisionRecord,
  ProjectState,
  RevisionFields,
  Store,
  StoredConfig,
  StoredExperiment,
} from "../ports.js";
import { decisionRecord } from "./decision-record.js";
import { termsAt } from "./terms.js";

/** Who did it, and why. */
export interface ByHand {
  readonly reason: string;
  readonly actor?: string | undefined;
}

/** The actor of the audit log where none is named. */
export const DEFAULT_ACTOR = "library";

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
export async function persist<T>(
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

/** What is to change in flight. A field left out stays as it is. */
export interface RevisionInput extends ByHand {
  readonly horizon?: number | undefined;
  readonly futility?: Policy["futility"] | undefined;
  readonly minPerArm?: number | undefined;
  readonly share?: ShareRuleInput | undefined;
}

const REVISION_FIELDS: readonly string[] = [...REVISABLE, "share"];

function revisionFields(experiment: StoredExperiment, input: RevisionInput): RevisionFields {
  const frozen = Object.keys(input).find((name) => ![...REVISION_FIELDS, "reason", "actor"].includes(name));
  if (frozen !== undefined) {
    throw new DethroneError(
      "settings_invalid",
      `A revision cannot change '${frozen}': all but ${REVISION_FIELDS.join(", ")} is frozen at the start. Start a new experiment instead.`,
      { field: frozen, allowed: REVISION_FIELDS },
    );
  }
  const { policy } = termsAt(experiment, Number.MAX_SAFE_INTEGER);
  const given = REVISABLE.map((field) => [field, input[field]] as const);
  const changed = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Partial<Policy>;
  const { horizon } = createPolicy({ ...policy, ...changed });
  const fields = {
    ...changed,
    ...(input.share === undefined ? {} : { shareRule: createShareRule(input.share, horizon) }),
  };
  if (Object.keys(fields).length > 0) return fields;
  throw new DethroneError(
    "settings_invalid",
    "A revision changes horizon, share, futility or minPerArm; none was given.",
    {
      allowed: REVISION_FIELDS,
    },
  );
}

/**
 * Changes horizon, share, futility or minPerArm of the experiment in the slot, from the next session on; what has been
 * assigned stays under the terms it had. Nothing else of a policy can change: start a new experiment instead.
 */
export function revise(
  context: EngineContext,
  store: Store,
  key: string,
  input: RevisionInput,
): Promise<RevisionFields> {
  const pin = pinned(key);
  return persist(key, async () => {
    const experiment = await requireOccupied(store, key);
    pin(experiment.uid);
    const fields = revisionFields(experiment, input);
    const { shareRule } = fields;
    const entry = audit(context, "revised", input);
    const isDone = await store.changeExperiment({
      experiment,
      status: experiment.status,
      awaitingSeq: experiment.awaitingSeq,
      checkpoint: null,
      bucketCount: shareRule ? bucketCountOf(startShares(shareRule, 1)[0] as number) : null,
      revision: fields,
      decision: null,
      champion: null,
      audit: { ...entry, details: { ...fields } as JsonObject },
      atMs: entry.atMs,
    });
    return { isDone, result: fields };
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
