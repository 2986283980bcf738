/**
 * The terms an experiment's sessions are judged by: those at its start, as revised by each change in flight from its
 * session on.
 */
import type { FoldInput } from "../../core/decision/evidence.js";
import type { Policy } from "../../core/decision/policy.js";
import { plannedShares } from "../../core/decision/share-rule.js";
import type { Terms } from "../../core/decision/terms.js";
import { metricValues } from "../../core/sessions/metric.js";
import type { FoldRow, StoredExperiment } from "../ports.js";

type Revised = Pick<StoredExperiment, "policy" | "planShares" | "revisions">;

/** The terms at the start. */
export function startTerms({ policy, planShares }: Revised): Terms {
  return { policy, planShares };
}

/** The terms that hold for a session, by its assignment sequence; those in force now for one that is yet to come. */
export function termsAt(experiment: Revised, seq: number): Terms {
  let { policy, planShares } = startTerms(experiment);
  for (const { fromSeq, fields } of experiment.revisions) {
    if (fromSeq > seq) continue;
    const { shareRule, ...changed } = fields;
    policy = { ...policy, ...changed } satisfies Policy;
    if (shareRule) planShares = plannedShares(shareRule, planShares.length);
  }
  return { policy, planShares };
}

/** The share rule in force for the sessions to come. */
export function shareRuleOf({ shareRule, revisions }: StoredExperiment): StoredExperiment["shareRule"] {
  return revisions.reduce((rule, { fields }) => fields.shareRule ?? rule, shareRule);
}

/** A fold row as the pure core takes it. */
export function foldInput(row: FoldRow, policy: Policy): FoldInput {
  return {
    arm: row.arm,
    shares: row.shares,
    score: row.score,
    metrics: metricValues(row, policy),
    context: row.context,
  };
}
