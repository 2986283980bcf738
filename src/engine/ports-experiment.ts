/**
 * Configs, experiments and decisions as the store holds them.
 */

import type { BudgetTerms } from "../core/decision/budget.js";
import type { OutReason, Reason, Verdict } from "../core/decision/decide.js";
import type { Evaluation } from "../core/decision/evaluation.js";
import type { Evidence, Role } from "../core/decision/evidence.js";
import type { LiveCount } from "../core/decision/fuse.js";
import type { ExperimentStatus } from "../core/decision/life-cycle.js";
import type { Policy } from "../core/decision/policy.js";
import type { ShareRule, ShareRuleInput } from "../core/decision/share-rule.js";
import type { JsonObject } from "../core/errors.js";
import type { Assign } from "../core/sessions/assign.js";
import type { HashVersion } from "../core/sessions/assignment.js";
import type { Audience } from "./sessions/audience.js";

export type { Audience } from "./sessions/audience.js";

/** A config and its identity. */
export interface StoredConfig {
  readonly id: number;
  readonly hash: string;
  readonly body: JsonObject;
}

/** A config on its way in. */
export interface NewConfig {
  readonly hash: string;
  readonly body: JsonObject;
}

/** A config of a project, and where it came from. */
export interface ProjectConfig extends StoredConfig {
  /** a name of its own within the project */
  readonly label: string | null;
  /** hash of the config it was made to improve on; null for the first */
  readonly parent: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly addedAtMs: number;
}

/** Why a config became champion. */
export type ReignCause = "created" | "promoted" | "rollback";

/** A time in which one config was champion. */
export interface Reign {
  readonly config: StoredConfig;
  readonly cause: ReignCause;
  readonly startedAtMs: number;
}

/** An arm as stored. */
export interface StoredArm {
  readonly id: number;
  readonly role: Role;
  readonly bucketCount: number;
  readonly config: StoredConfig;
  /** the config's name within the project */
  readonly label: string | null;
  /** why the challenger is out of the contest; null while it contends */
  readonly out: OutReason | null;
}

/** What people say of an experiment; it decides nothing, and may change at any time. */
export interface Description {
  /** what is expected, and why */
  readonly hypothesis: string | null;
  readonly description: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
}

/** After a promotion: a small share stays on the old champion, which returns if it proves better. */
export interface Watch {
  /** the old champion's share, in [0.01, 0.5] */
  readonly share: number;
  /** units until the watch ends */
  readonly horizon: number;
}

/** What is still open of a draft: it is settled with the project's past at the start. */
export interface OpenDesign {
  readonly share: ShareRuleInput;
  readonly goal: { readonly detect: number; readonly withinMs: number } | null;
  readonly fdr: number | null;
}

/** What an experiment is, apart from its arms. */
export interface ExperimentTerms extends Description {
  /** a contest; or the watch over a promotion, in which the old champion contends against the new one */
  readonly kind: "contest" | "watch";
  readonly again: string;
  readonly hashVersion: HashVersion;
  /** as at its start; {@link Revision} says what has changed since */
  readonly policy: Policy;
  /** SHA-256 of the part of the policy that never changes */
  readonly policyHash: string;
  readonly shareRule: ShareRule;
  /** the challengers' shares its tests were planned with, in the order of their arms */
  readonly planShares: readonly number[];
  readonly promotion: "auto" | "approve";
  /** null: everyone */
  readonly audience: Audience | null;
  /** no unit takes part in two experiments of a group at once */
  readonly exclusionGroup: string | null;
  /** what gives sessions their arms; null: chance. Sessions that it places are never evidence */
  readonly assign: Assign | null;
  /** buckets of the units held out, as the project had them at the start */
  readonly holdoutBuckets: number;
  readonly watch: Watch | null;
  /** of a draft alone */
  readonly openDesign: OpenDesign | null;
  /** when a draft is to start by itself */
  readonly startsAtMs: number | null;
  /** of a draft in the queue: those of lower positions start first, the older one of two; null: not in the queue */
  readonly queuePosition: number | null;
}

/** What may change while an experiment runs. A field left out stays as it was. */
export interface RevisionFields {
  readonly horizon?: number;
  readonly futility?: Policy["futility"];
  readonly minPerArm?: number;
  readonly shareRule?: ShareRule;
}

/** A change in flight: it holds for sessions from `fromSeq` on, never for earlier ones. */
export interface Revision {
  readonly fromSeq: number;
  readonly fields: RevisionFields;
  readonly atMs: number;
}

/** An experiment as stored, with its arms and configs. */
export interface StoredExperiment extends ExperimentTerms {
  readonly id: number;
  readonly uid: string;
  readonly projectId: number;
  readonly projectKey: string;
  readonly status: ExperimentStatus;
  readonly version: number;
  readonly champion: StoredConfig;
  /** the champion, then the challengers */
  readonly arms: readonly StoredArm[];
  /** oldest first */
  readonly revisions: readonly Revision[];
  /** assignment sequence of the deciding session, while a promotion waits for a person */
  readonly awaitingSeq: number | null;
  /** the arm to be promoted then */
  readonly awaitingArm: number | null;
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly archivedAtMs: number | null;
}

/** A project with all that routing needs. */
export interface ProjectState {
  readonly id: number;
  readonly key: string;
  readonly champion: StoredConfig;
  readonly createdAtMs: number;
  /** buckets of the units that always get the champion, from the next experiment on */
  readonly holdoutBuckets: number;
  /** false promotions that may be expected; null: no limit */
  readonly budget: BudgetTerms | null;
  /** the experiment in the slot, running or paused */
  readonly experiment: StoredExperiment | null;
  /** ids of the arms that units of that experiment were given by hand, by unit */
  readonly overrides: ReadonlyMap<string, number>;
}

/** What sessions are begun by, of the experiment in the slot. */
export interface ServedExperiment
  extends Pick<
    StoredExperiment,
    | "id"
    | "uid"
    | "status"
    | "hashVersion"
    | "arms"
    | "audience"
    | "exclusionGroup"
    | "assign"
    | "holdoutBuckets"
  > {
  readonly policy: Pick<Policy, "windowMs" | "fuse">;
}

/** What sessions are begun by, of their project. */
export interface ServedState extends Pick<ProjectState, "id" | "key" | "champion" | "overrides"> {
  readonly experiment: ServedExperiment | null;
}

/** The folded state of an experiment. */
export interface Checkpoint {
  readonly version: number;
  readonly foldedSeq: number;
  readonly evidence: Evidence;
}

/** All a decision was made from, and what it was. */
export interface DecisionRecord {
  readonly uid: string;
  readonly isTerminal: boolean;
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly sessionCount: number;
  readonly foldedSeq: number;
  readonly isExpired: boolean;
  readonly policy: Policy;
  readonly planShares: readonly number[];
  readonly promotion: "auto" | "approve";
  /** who was out, in the order of the challengers' arms */
  readonly out: readonly (OutReason | null)[] | null;
  /** the arm that was promoted, or waits for it */
  readonly arm: number | null;
  /** live counts the fuse was asked with, the champion first; null where it was not asked */
  readonly live: readonly LiveCount[] | null;
  readonly evidence: Evidence;
  readonly evaluation: Evaluation;
  readonly engineVersion: string;
  readonly actor: string;
  readonly note: string | null;
  readonly decidedAtMs: number;
}

/** A decision with where it belongs. */
export interface StoredDecision extends DecisionRecord {
  readonly experimentId: number;
  readonly experimentUid: string;
  readonly projectKey: string;
}
