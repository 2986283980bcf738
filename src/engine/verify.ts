/**
 * Recomputes stored decisions: the evidence from zero out of the session log, the verdict and the numbers out of that.
 */
import { decide, type Ruling } from "../core/decide.js";
import type { Json } from "../core/errors.js";
import { evaluate } from "../core/evaluation.js";
import { emptyEvidence, fold } from "../core/evidence.js";
import { allFoldRows, foldInput } from "./decision-record.js";
import type { Store, StoredDecision } from "./ports.js";

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

function differencesOf(stored: Json, computed: Json, isSameVersion: boolean, path: string): string[] {
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

/** What the rules say of the decision's own evidence; a decision by hand keeps its own verdict. */
function recomputedRuling(decision: StoredDecision, evidence: StoredDecision["evidence"]): Ruling {
  if (BY_HAND.includes(decision.reason)) return { verdict: decision.verdict, reason: decision.reason };
  const { policy, planShare, isExpired } = decision;
  // An approved promotion rests on the rule that asked for the approval.
  const promotion = decision.verdict === "promote" ? "auto" : decision.promotion;
  return decide({ policy, planShare, promotion, evidence, isExpired });
}

/** Recomputes one decision. `version` is this package's. */
export async function verifyDecision(
  store: Store,
  decision: StoredDecision,
  version: string,
): Promise<Verification> {
  const { policy, planShare, foldedSeq } = decision;
  const rows = await allFoldRows(store, decision.experimentId, foldedSeq);
  const units = rows.map(foldInput);
  const evidence = units.reduce(
    (folded, unit) => fold(folded, unit, policy, planShare),
    emptyEvidence(planShare),
  );
  const computed = {
    ...recomputedRuling(decision, evidence),
    sessionCount: evidence.index,
    evidence,
    evaluation: evaluate({ policy, planShare, evidence, units }),
  };
  const { verdict, reason, sessionCount, evaluation } = decision;
  const stored = { verdict, reason, sessionCount, evidence: decision.evidence, evaluation };
  // Through JSON, as the stored one went.
  const plain = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
  const differences = differencesOf(plain(stored), plain(computed), decision.engineVersion === version, "");
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
