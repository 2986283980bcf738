/**
 * Recomputes stored decisions: the evidence from zero out of the session log, the verdict and the numbers out of that.
 */
import { decide, type Ruling } from "../../core/decision/decide.js";
import { evaluateInParts } from "../../core/decision/evaluation.js";
import type { Terms } from "../../core/decision/terms.js";
import { UpliftLog } from "../../core/decision/uplift-log.js";
import { DethroneError, type Json } from "../../core/errors.js";
import { inParts } from "../breathe.js";
import { policyHashOf } from "../configs/config.js";
import type { Store, StoredDecision, StoredExperiment } from "../ports.js";
import { catchUp } from "./folded-units.js";
import { ExperimentFolding, foldRowPages } from "./folding.js";
import { startTerms } from "./terms.js";

/** What recomputing a decision gave. */
export interface Verification extends Ruling {
  readonly decision: string;
  readonly project: string;
  readonly experiment: string;
  readonly isEqual: boolean;
  /** the first differences, as `path: stored -> recomputed`; empty when equal */
  readonly differences: readonly string[];
}

/** Largest relative difference of a number recomputed by another version of the package. */
const TOLERANCE = 1e-9;

/** Reasons no rule gives: a person or the champion's change did. */
const BY_HAND: readonly string[] = ["manual", "declined", "champion-changed"];

function areEqual(stored: Json, computed: Json, isSameVersion: boolean): boolean {
  if (stored === computed) return true;
  if (isSameVersion || typeof stored !== "number" || typeof computed !== "number") return false;
  return Math.abs(stored - computed) <= TOLERANCE * Math.max(1, Math.abs(stored));
}

const isTree = (value: Json): value is Exclude<Json, null | boolean | number | string> =>
  typeof value === "object" && value !== null;

/** What a recomputed value lacks or has otherwise, as `path: stored -> recomputed`; both as JSON gives them. */
export function differencesOf(stored: Json, computed: Json, isSameVersion: boolean, path: string): string[] {
  if (!isTree(stored) || !isTree(computed)) {
    return areEqual(stored, computed, isSameVersion)
      ? []
      : [`${path}: ${String(stored)} -> ${String(computed)}`];
  }
  const left = stored as { [key: string]: Json };
  const right = computed as { [key: string]: Json };
  // Fields a later version added are no difference; fields it lacks are.
  return Object.keys(left).flatMap((key) =>
    differencesOf(left[key] as Json, right[key] ?? null, isSameVersion, path === "" ? key : `${path}.${key}`),
  );
}

/** A value as it comes back from the store: through JSON. */
export const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

/** What the rules say of the decision's own evidence; a decision by hand keeps its own verdict and arm. */
function recomputedRuling(
  decision: StoredDecision,
  terms: Terms,
  evidence: StoredDecision["evidence"],
): Pick<StoredDecision, "verdict" | "reason" | "arm"> {
  const { isExpired, live, out } = decision;
  if (BY_HAND.includes(decision.reason))
    return { verdict: decision.verdict, reason: decision.reason, arm: decision.arm };
  // An approved promotion rests on the rule that asked for the approval.
  const promotion = decision.verdict === "promote" ? "auto" : decision.promotion;
  const { verdict, reason, arm = null } = decide({ ...terms, promotion, evidence, isExpired, live, out });
  return { verdict, reason, arm };
}

/** What the session log and the terms make of a decision today. */
async function recomputed(store: Store, decision: StoredDecision, experiment: StoredExperiment) {
  const folding = new ExperimentFolding(experiment);
  // Its own, whatever units may be kept of the experiment.
  const log = new UpliftLog(startTerms(experiment));
  const { experimentId, foldedSeq } = decision;
  for await (const page of foldRowPages(store, experimentId, foldedSeq, { withSignals: true })) {
    for (const row of page) log.add(folding.add(row));
  }
  await catchUp(log);
  const { terms, evidence } = folding;
  const { live, out } = decision;
  return {
    ...recomputedRuling(decision, terms, evidence),
    sessionCount: evidence.index,
    policy: terms.policy,
    policyHash: experiment.policyHash === "" ? "" : policyHashOf(experiment.policy),
    evidence,
    evaluation: await inParts(evaluateInParts({ ...terms, evidence, log, live, out })),
  };
}

/** Recomputes one decision. `version` is this package's. */
export async function verifyDecision(
  store: Store,
  decision: StoredDecision,
  version: string,
): Promise<Verification> {
  const experiment = await store.experimentByUid(decision.experimentUid);
  if (!experiment) throw new DethroneError("invariant_violated", "A decision without an experiment.");
  const computed = await recomputed(store, decision, experiment);
  const { verdict, reason, arm, sessionCount, policy, evidence, evaluation } = decision;
  const { policyHash } = experiment;
  const stored = { verdict, reason, arm, sessionCount, policy, policyHash, evidence, evaluation };
  // What the first schema stored beside the verdict had another shape.
  const comparable = "arms" in evidence ? stored : { verdict, reason, sessionCount };
  const differences = differencesOf(
    plain(comparable),
    plain(computed),
    decision.engineVersion === version,
    "",
  );
  return {
    decision: decision.uid,
    project: decision.projectKey,
    experiment: decision.experimentUid,
    verdict,
    reason,
    isEqual: differences.length === 0,
    differences: differences.slice(0, 5),
  };
}
