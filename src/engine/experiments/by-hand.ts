/**
 * What a person does to the experiment in a project's slot: pause, resume, revise, drop a challenger, end it.
 */

import type { Reason, Verdict } from "../../core/decision/decide.js";
import { type ExperimentAction, nextStatus } from "../../core/decision/life-cycle.js";
import { createPolicy, type Policy, REVISABLE } from "../../core/decision/policy.js";
import { createShareRule, type ShareRuleInput, startShares } from "../../core/decision/share-rule.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type {
  ArmChange,
  AuditEntry,
  DecisionRecord,
  ExperimentChange,
  RevisionFields,
  Store,
  StoredExperiment,
} from "../ports.js";
import { armAt, challengersOf, changedArms, outOf, sharesOf } from "./arms.js";
import { auditByHand, type ByHand, persist, pinned } from "./audit.js";
import { decisionRecord } from "./decision-record.js";
import { watchOver } from "./design.js";
import { placeOf, requireExperiment, requireOccupied } from "./lookup.js";
import { termsAt } from "./terms.js";

/** The promotion that waits for a person, as it is stored. */
function awaitingOf({ awaitingSeq, awaitingArm }: StoredExperiment): ExperimentChange["awaiting"] {
  return awaitingSeq === null ? null : { seq: awaitingSeq, arm: awaitingArm ?? 1 };
}

/** A change that leaves the experiment as it is, but for what is said. */
function changeOf(
  experiment: StoredExperiment,
  audit: AuditEntry,
  changes: Partial<ExperimentChange>,
): ExperimentChange {
  const { status } = experiment;
  return {
    experiment,
    status,
    awaiting: awaitingOf(experiment),
    audit: [audit],
    atMs: audit.atMs,
    ...changes,
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
    const entry = auditByHand(context, action === "pause" ? "paused" : "resumed", byHand);
    const status = nextStatus(experiment.status, action);
    return {
      isDone: await store.changeExperiment(changeOf(experiment, entry, { status })),
      result: undefined,
    };
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

/** @throws DethroneError `settings_invalid`: where a rule gives the arms, there is no share to change */
function refuseShare({ uid, assign }: StoredExperiment, { share }: RevisionInput): void {
  if (assign === null || share === undefined) return;
  throw new DethroneError(
    "settings_invalid",
    `A rule gives the arms of experiment ${uid}, so it has no share. Start another experiment to randomise.`,
    { field: "share", received: received(share) },
  );
}

function revisedArms(
  experiment: StoredExperiment,
  { shareRule }: RevisionFields,
): readonly ArmChange[] | null {
  if (!shareRule) return null;
  const challengers = challengersOf(experiment);
  const contenders = challengers.filter(({ out }) => out === null).length;
  // Those who are left divide a fixed share; the steps of the other rules are made for all.
  const isDivided = shareRule.kind === "fixed" && contenders > 0;
  const [each = 0] = startShares(shareRule, isDivided ? contenders : challengers.length);
  const shares = isDivided ? challengers.map(() => each) : startShares(shareRule, challengers.length);
  return changedArms(experiment, shares, outOf(experiment));
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
    refuseShare(experiment, input);
    const fields = revisionFields(experiment, input);
    const entry = auditByHand(context, "revised", input, { ...fields } as JsonObject);
    const arms = revisedArms(experiment, fields);
    const isDone = await store.changeExperiment(changeOf(experiment, entry, { arms, revision: fields }));
    return { isDone, result: fields };
  });
}

/** Which challenger is meant: by place from 1, label or beginning of the hash; needless where there is one. */
export interface OfChallenger extends ByHand {
  readonly challenger?: string | number | undefined;
}

/**
 * Takes a challenger out of the contest in the slot; its share, and its units, go to the champion, and the others go on.
 * The level of each stays what it was.
 */
export function dropChallenger(
  context: EngineContext,
  store: Store,
  key: string,
  input: OfChallenger,
): Promise<void> {
  const pin = pinned(key);
  return persist(key, async () => {
    const experiment = await requireOccupied(store, key);
    pin(experiment.uid);
    const place = await placeOf(store, experiment, input.challenger);
    const out = challengersOf(experiment).map((arm, j) => arm.out ?? (j + 1 === place ? "manual" : null));
    if (out.every((reason) => reason !== null)) {
      throw new DethroneError(
        "transition_illegal",
        `No other challenger of project '${key}' is left in the contest: abort the experiment instead.`,
        { project: key, experiment: experiment.uid },
      );
    }
    const details = { challenger: armAt(experiment, place).config.hash, place };
    const entry = auditByHand(context, "dropped", input, details);
    const arms = changedArms(experiment, sharesOf(experiment), out);
    const isOutBefore = arms === null;
    // Where it is the one that waits for approval, nobody does any more, and the others go on.
    const before = awaitingOf(experiment);
    const awaiting = before?.arm === place ? null : before;
    const change = changeOf(experiment, entry, { arms, awaiting });
    const isDone = isOutBefore || (await store.changeExperiment(change));
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

/** What is to end, and why. */
export interface EndExperimentInput extends OfChallenger {
  /** id of the experiment, or the beginning of it; default: the one in the slot. A draft can only be aborted. */
  readonly experiment?: string | undefined;
}

function assertAwaiting(experiment: StoredExperiment, key: string): void {
  if (experiment.awaitingSeq !== null) return;
  throw new DethroneError("transition_illegal", `Project '${key}' has no promotion that awaits approval.`, {
    project: key,
    status: experiment.status,
  });
}

/** The arm that an ending makes champion; null where it makes none. */
async function promotedArm(
  store: Store,
  experiment: StoredExperiment,
  ending: EndingByHand,
  input: EndExperimentInput,
): Promise<number | null> {
  if (ending === "approve") return awaitingOf(experiment)?.arm ?? null;
  return ending === "promote" ? placeOf(store, experiment, input.challenger) : null;
}

/** The new champion of a promotion, and the watch over it. */
export function promotionOf(
  context: EngineContext,
  experiment: StoredExperiment,
  arm: number | null,
  actor: string,
): Pick<ExperimentChange, "champion" | "watch"> {
  if (arm === null) return {};
  const { config } = armAt(experiment, arm);
  const cause = experiment.kind === "watch" ? "rollback" : "promoted";
  return { champion: { configId: config.id, cause }, watch: watchOver(context, experiment, config, actor) };
}

/** Ends an experiment by hand; the decision keeps the evidence as it stands. */
export function endByHand(
  context: EngineContext,
  store: Store,
  key: string,
  ending: EndingByHand,
  input: EndExperimentInput,
): Promise<{ readonly experiment: StoredExperiment; readonly decision: DecisionRecord }> {
  const { action, verdict, reason, auditAction } = ENDINGS[ending];
  const pin = pinned(key);
  return persist(key, async () => {
    const experiment = await (input?.experiment === undefined
      ? requireOccupied(store, key)
      : requireExperiment(store, key, input.experiment));
    pin(experiment.uid);
    if (ending === "approve" || ending === "decline") assertAwaiting(experiment, key);
    const status = nextStatus(experiment.status, action);
    const arm = await promotedArm(store, experiment, ending, input);
    const details = arm === null ? {} : { champion: armAt(experiment, arm).config.hash };
    const isRollback = status === "promoted" && experiment.kind === "watch";
    const entry = auditByHand(context, isRollback ? "rolled-back" : auditAction, input, details);
    const decision = await decisionRecord(context, store, experiment, { verdict, reason, arm }, input);
    const promotion = promotionOf(context, experiment, arm, entry.actor);
    const change = changeOf(experiment, entry, { status, awaiting: null, decision, ...promotion });
    return { isDone: await store.changeExperiment(change), result: { experiment, decision } };
  });
}
