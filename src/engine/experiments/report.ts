/**
 * One experiment in full: its numbers, where its sessions are, its decision.
 */

import { quantile } from "simple-statistics";
import { type Breakdown, RunningBreakdown } from "../../core/decision/breakdown.js";
import type { Evaluation } from "../../core/decision/evaluation.js";
import type { Ledger } from "../../core/decision/ledger.js";
import { type ReviewPoint, reviewPoints } from "../../core/decision/review.js";
import type { ShareRule } from "../../core/decision/share-rule.js";
import type { Assign } from "../../core/sessions/assign.js";
import { shareOf } from "../../core/sessions/assignment.js";
import type { StudyNumbers } from "../../core/studies/study.js";
import { type ConfigChange, diffConfigs } from "../configs/diff.js";
import { DAY_MS } from "../duration.js";
import type {
  ArmCounts,
  Audience,
  Description,
  NewConfig,
  Revision,
  Store,
  StoredDecision,
  StoredExperiment,
  Watch,
} from "../ports.js";
import { observeExperiment } from "../studies/observe.js";
import { sharesOf } from "./arms.js";
import { evaluateExperiment } from "./evaluate-experiment.js";
import { type ChallengerSummary, challengerSummaries, totalOf } from "./experiment-summary.js";
import { unitsUpTo } from "./folded-units.js";
import { foldRowPages } from "./folding.js";
import { projectLedger } from "./ledger.js";
import { isQueued } from "./queue-order.js";
import { shareRuleOf, termsAt } from "./terms.js";

/** Where an arm's sessions are. */
export interface ArmSessions extends Omit<ArmCounts, "durationsMs"> {
  /** median and 95th percentile of the newest sessions' durations in milliseconds; null without any */
  readonly durationMsP50: number | null;
  readonly durationMsP95: number | null;
}

/** A config of a report. */
interface ReportedConfig extends NewConfig {
  readonly label: string | null;
}

/** A challenger of a report. */
interface ReportedChallenger extends Omit<ChallengerSummary, "config">, ReportedConfig {}

/** One experiment in full. */
export interface ExperimentReport extends Description {
  readonly project: string;
  readonly experiment: string;
  readonly kind: StoredExperiment["kind"];
  readonly status: StoredExperiment["status"];
  readonly isAwaitingApproval: boolean;
  /** whether it is a draft that waits its turn */
  readonly isQueued: boolean;
  readonly champion: ReportedConfig;
  /** the challenger that leads */
  readonly challenger: ReportedChallenger;
  /** all of them, in the order of their arms */
  readonly challengers: readonly ReportedChallenger[];
  /** what the leading challenger changes of the champion */
  readonly changes: readonly ConfigChange[];
  /** the challengers' share of the sessions to come, together */
  readonly share: number;
  readonly shareRule: ShareRule;
  readonly audience: Audience | null;
  readonly exclusionGroup: string | null;
  /** what gives sessions their arms instead of chance; null: chance */
  readonly assign: Assign | null;
  /** of each challenger, where a rule gives sessions their arms: compared as observed, never evidence; else null */
  readonly observed: readonly StudyNumbers[] | null;
  /** share of the units held out of it */
  readonly holdout: number;
  readonly watch: Watch | null;
  /** units that were given an arm by hand */
  readonly overrideCount: number;
  /** as it holds for the sessions folded last */
  readonly policy: StoredExperiment["policy"];
  /** changes in flight, oldest first */
  readonly revisions: readonly Revision[];
  readonly promotion: "auto" | "approve";
  readonly startsAtMs: number | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly archivedAtMs: number | null;
  readonly evaluation: Evaluation;
  /** where the criteria disagree, so that a person should look */
  readonly review: readonly ReviewPoint[];
  readonly sessions: readonly ArmSessions[];
  readonly decision: StoredDecision | null;
  /** units folded a day since the start; null before the first */
  readonly unitsPerDay: number | null;
  /** days until the horizon at this pace; null before the first unit, and once ended */
  readonly daysLeft: number | null;
  /** scores by attribute of the session's context; exploratory, no test vouches for it */
  readonly breakdown: readonly Breakdown[];
  /** all experiments of the project together */
  readonly ledger: Ledger;
}

function sessionsOf(counts: ArmCounts): ArmSessions {
  const { durationsMs, ...rest } = counts;
  const isEmpty = durationsMs.length === 0;
  return {
    ...rest,
    durationMsP50: isEmpty ? null : quantile([...durationsMs], 0.5),
    durationMsP95: isEmpty ? null : quantile([...durationsMs], 0.95),
  };
}

/** How fast units are folded, and how long the rest takes. */
export function paceOf(
  experiment: StoredExperiment,
  sessionCount: number,
  horizon: number,
  nowMs: number,
): Pick<ExperimentReport, "unitsPerDay" | "daysLeft"> {
  const { startedAtMs, endedAtMs } = experiment;
  if (startedAtMs === null || sessionCount === 0) return { unitsPerDay: null, daysLeft: null };
  // At least a minute, so that the first units are not taken for a pace.
  const spanMs = Math.max((endedAtMs ?? nowMs) - startedAtMs, 60_000);
  const unitsPerDay = (sessionCount * DAY_MS) / spanMs;
  const left = Math.max(0, horizon - sessionCount) / unitsPerDay;
  return { unitsPerDay, daysLeft: endedAtMs === null ? left : null };
}

function challengersIn(
  experiment: StoredExperiment,
  labels: ReadonlyMap<string, string | null>,
): readonly ReportedChallenger[] {
  return challengerSummaries(experiment).map(({ config, ...rest }) => ({
    ...rest,
    body: config,
    label: labels.get(rest.hash) ?? null,
  }));
}

/** What is known of the contenders. */
async function contendersOf(store: Store, experiment: StoredExperiment, leading: number) {
  const configs = await store.projectConfigs(experiment.projectId);
  const labels = new Map(configs.map(({ hash, label }) => [hash, label]));
  const { hash, body } = experiment.champion;
  const challengers = challengersIn(experiment, labels);
  const challenger = challengers[leading - 1] as ReportedChallenger;
  return {
    champion: { hash, body, label: labels.get(hash) ?? null },
    challenger,
    challengers,
    changes: diffConfigs(body, challenger.body),
  };
}

/** What the experiment was set up as. */
function setUpOf(experiment: StoredExperiment) {
  const { kind, status, hypothesis, description, owner, tags } = experiment;
  const { audience, exclusionGroup, assign, watch } = experiment;
  const { revisions, promotion, startsAtMs, startedAtMs, endedAtMs, archivedAtMs } = experiment;
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    kind,
    status,
    isAwaitingApproval: experiment.awaitingSeq !== null,
    isQueued: isQueued(experiment),
    ...{ hypothesis, description, owner, tags },
    share: totalOf(sharesOf(experiment)),
    shareRule: shareRuleOf(experiment),
    audience,
    exclusionGroup,
    assign,
    holdout: shareOf(experiment.holdoutBuckets),
    watch,
    revisions,
    promotion,
    ...{ startsAtMs, startedAtMs, endedAtMs, archivedAtMs },
  };
}

/** The breakdown by one attribute, whatever its values: read anew, because only one look in many asks for it. */
async function breakdownBy(store: Store, experiment: StoredExperiment, seq: number, attribute: string) {
  const breakdown = new RunningBreakdown(experiment.arms.length, attribute);
  for await (const page of foldRowPages(store, experiment.id, seq, { withSignals: false })) {
    for (const row of page) breakdown.add(row);
  }
  return breakdown.breakdown();
}

/**
 * The report of an experiment.
 *
 * @param by break down by this attribute of the context alone, whatever it is
 */
export async function reportOf(
  store: Store,
  experiment: StoredExperiment,
  nowMs: number,
  by?: string,
): Promise<ExperimentReport> {
  const decisions = await store.decisions({ experimentId: experiment.id });
  const archive = await store.upkeep.archive(experiment.id);
  // Where the sessions are deleted, these are told as they were then.
  const counts = archive?.counts ?? (await store.upkeep.armCounts(experiment.id));
  const checkpoint = await store.checkpoint(experiment.id);
  const { foldedSeq } = checkpoint;
  const { policy } = termsAt(experiment, foldedSeq);
  const evaluation = await evaluateExperiment(store, experiment, { checkpoint });
  const overrides = await store.overrides(experiment.id);
  return {
    ...setUpOf(experiment),
    ...(await contendersOf(store, experiment, evaluation.arm)),
    policy,
    overrideCount: overrides.length,
    evaluation,
    review: reviewPoints({ ...evaluation, contests: [evaluation, ...evaluation.others] }, policy),
    // Their sessions are gone, and no evidence was folded of them.
    observed: archive?.counts ? null : await observeExperiment(store, experiment),
    sessions: counts.map(sessionsOf),
    decision: decisions.at(-1) ?? null,
    ...paceOf(experiment, checkpoint.evidence.index, policy.horizon, nowMs),
    breakdown:
      by === undefined
        ? (archive?.breakdown ?? (await unitsUpTo(store, experiment, foldedSeq)).breakdown())
        : await breakdownBy(store, experiment, foldedSeq, by),
    ledger: await projectLedger(store, experiment.projectKey),
  };
}
