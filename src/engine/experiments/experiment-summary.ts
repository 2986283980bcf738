/**
 * An experiment as the host sees it.
 */
import type { OutReason } from "../../core/decision/decide.js";
import type { ExperimentStatus } from "../../core/decision/life-cycle.js";
import type { Policy } from "../../core/decision/policy.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { JsonObject } from "../../core/errors.js";
import type { Assign } from "../../core/sessions/assign.js";
import { BUCKET_COUNT, shareOf } from "../../core/sessions/assignment.js";
import type { Audience, Description, StoredExperiment, Watch } from "../ports.js";
import { challengersOf } from "./arms.js";
import { isQueued } from "./queue-order.js";

/** A challenger of an experiment. */
export interface ChallengerSummary {
  /** its place among the arms, from 1 */
  readonly place: number;
  readonly hash: string;
  /** the config's name within the project */
  readonly label: string | null;
  readonly config: JsonObject;
  /** its share of the sessions to come */
  readonly share: number;
  /** its share as planned; the average of a share that moves */
  readonly planShare: number;
  /** why it is out of the contest; null while it contends */
  readonly out: OutReason | null;
}

/** An experiment as the host sees it. */
export interface ExperimentSummary extends Description {
  readonly id: string;
  /** a contest; or the watch over a promotion, in which the old champion contends against the new one */
  readonly kind: "contest" | "watch";
  readonly status: ExperimentStatus;
  readonly champion: JsonObject;
  /** the first challenger's config */
  readonly challenger: JsonObject;
  readonly challengers: readonly ChallengerSummary[];
  /** the challengers' share together, as planned; the average of a share that moves */
  readonly share: number;
  /** how the share moves, as at the start */
  readonly shareRule: ShareRule;
  readonly policy: Policy;
  readonly promotion: "auto" | "approve";
  readonly isAwaitingApproval: boolean;
  /** whether it is a draft that waits its turn */
  readonly isQueued: boolean;
  readonly audience: Audience | null;
  readonly exclusionGroup: string | null;
  /** what gives sessions their arms instead of chance; null: chance. Nothing it places is evidence */
  readonly assign: Assign | null;
  /** share of the units held out of it */
  readonly holdout: number;
  readonly watch: Watch | null;
  readonly createdAtMs: number;
  /** when a draft is to start by itself */
  readonly startsAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly archivedAtMs: number | null;
}

/** The challengers of an experiment, in their order. */
export function challengerSummaries(experiment: StoredExperiment): ChallengerSummary[] {
  return challengersOf(experiment).map(({ config, label, bucketCount, out }, j) => ({
    place: j + 1,
    hash: config.hash,
    label,
    config: config.body,
    share: shareOf(bucketCount),
    planShare: experiment.planShares[j] ?? 0,
    out,
  }));
}

/** The host's view of a stored experiment. */
export function summaryOf(experiment: StoredExperiment): ExperimentSummary {
  const challengers = challengerSummaries(experiment);
  const { kind, status, shareRule, policy, promotion, audience, exclusionGroup, assign, watch } = experiment;
  const { hypothesis, description, owner, tags } = experiment;
  const { createdAtMs, startsAtMs, startedAtMs, endedAtMs, archivedAtMs } = experiment;
  return {
    id: experiment.uid,
    kind,
    status,
    hypothesis,
    description,
    owner,
    tags,
    champion: experiment.champion.body,
    challenger: challengers[0]?.config ?? {},
    challengers,
    share: totalOf(experiment.planShares),
    shareRule,
    policy,
    promotion,
    isAwaitingApproval: experiment.awaitingSeq !== null,
    isQueued: isQueued(experiment),
    audience,
    exclusionGroup,
    assign,
    holdout: shareOf(experiment.holdoutBuckets),
    watch,
    createdAtMs,
    startsAtMs,
    startedAtMs,
    endedAtMs,
    archivedAtMs,
  };
}

/** The sum of shares, on the grid they are multiples of: 0.1 + 0.2 is 0.3. */
export function totalOf(shares: readonly number[]): number {
  return Math.round(shares.reduce((sum, share) => sum + share, 0) * BUCKET_COUNT) / BUCKET_COUNT;
}
