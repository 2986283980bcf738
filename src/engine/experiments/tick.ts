/**
 * One tick: settle what is due, fold what has settled, decide, commit. Two at once do no harm: whoever commits second
 * finds the state moved and changes nothing.
 */

import {
  type DecisionFacts,
  decide,
  type OutReason,
  outReasons,
  type Ruling,
} from "../../core/decision/decide.js";
import { type Contest, type EvaluationOutline, outlineOf } from "../../core/decision/evaluation.js";
import type { LiveCount } from "../../core/decision/fuse.js";
import { nextStatus } from "../../core/decision/life-cycle.js";
import { DEFAULT_POLICY } from "../../core/decision/policy.js";
import { nextShares } from "../../core/decision/share-rule.js";
import type { Terms } from "../../core/decision/terms.js";
import { DethroneError } from "../../core/errors.js";
import { shareOf } from "../../core/sessions/assignment.js";
import { settle } from "../../core/sessions/score.js";
import { breathe, takeTurn } from "../breathe.js";
import { policyHashOf } from "../configs/config.js";
import type { EngineContext } from "../context.js";
import type {
  ArmChange,
  AuditEntry,
  Checkpoint,
  ExperimentChange,
  FoldRow,
  NewestEvaluation,
  Occupant,
  SettledSession,
  Store,
  StoredExperiment,
} from "../ports.js";
import { armAt, challengersOf, changedArms, outOf, sharesOf } from "./arms.js";
import { promotionOf } from "./by-hand.js";
import { decided } from "./decision-event.js";
import { decisionRecord } from "./decision-record.js";
import { evaluationRecord } from "./evaluation-record.js";
import { ExperimentFolding } from "./folding.js";
import { shareRuleOf, termsAt } from "./terms.js";

const PAGE = 1000;

/** What a tick found of one experiment. */
export interface TickResult {
  readonly project: string;
  readonly experiment: string;
  readonly verdict: Ruling["verdict"];
  readonly reason: Ruling["reason"];
  /** whether this tick ended the experiment, or put it up for approval */
  readonly changed: boolean;
  /** units folded */
  readonly sessionCount: number;
  /** of the leading challenger, as are the numbers after it */
  readonly probabilityBetter: number;
  readonly logSupPromote: number;
  readonly logSupHarm: number;
  readonly chanceOfPromotion: number;
}

/** What a tick of one experiment did. */
export interface Ticked {
  readonly result: TickResult;
  /** whether it stored anything, the evidence folded so far at least */
  readonly isStored: boolean;
  /** whether so many sessions have failed that the mere end of others may blow the fuse */
  readonly isFuseNear: boolean;
  /** whether it is known that no challenger's live sessions have failed */
  readonly isCalm: boolean;
}

/** What a tick of one experiment begins with. */
export interface TickState extends Occupant {
  /** its newest entry in the log of evaluations */
  readonly newest: NewestEvaluation | null;
}

/** What ticks of experiments begin with, read together: one by one takes longer than all else that a tick does. */
export async function tickStates(store: Store, uids: readonly string[]): Promise<TickState[]> {
  const found = await store.experimentsByUids(uids);
  const newest = await store.evaluations.newest(found.map(({ experiment }) => experiment.id));
  return found.map((occupant) => ({ ...occupant, newest: newest.get(occupant.experiment.id) ?? null }));
}

/** Settles every session, of one project or of all, whose window has closed. */
export async function settleDue(
  context: EngineContext,
  store: Store,
  projectKey: string | null,
): Promise<void> {
  let previousFirst = -1;
  for (;;) {
    const due = await store.dueSessions({ nowMs: context.clock.now(), limit: PAGE, projectKey });
    // The same first session twice means another process is settling it differently; the next tick will see.
    if (due.length === 0 || due[0]?.seq === previousFirst) return;
    previousFirst = due[0]?.seq ?? -1;
    const experimentIds = due
      .map((session) => session.experimentId)
      .filter((id): id is number => id !== null);
    const policies = await store.policies([...new Set(experimentIds)]);
    const settled = due.map((session): SettledSession => {
      const policy = policies.get(session.experimentId ?? -1) ?? DEFAULT_POLICY;
      return {
        seq: session.seq,
        settledAtMs: session.windowEndsAtMs,
        settlement: settle(session, policy),
        signalCount: session.signals.length,
        hasEnded: session.hasEnded,
      };
    });
    await store.settleSessions(settled);
    await breathe();
  }
}

const COLLECTING: Ruling = { verdict: "continue", reason: "collecting" };

const isCollecting = (ruling: Ruling): boolean => ruling.reason === "collecting";

/** Who is out by these facts, for good; null where nobody is, and where the only challenger's end is the experiment's. */
function latched(facts: DecisionFacts): readonly (OutReason | null)[] | null {
  if (facts.evidence.pairs.length === 1) return null;
  const out = outReasons(facts);
  return out.every((reason) => reason === null) ? null : out;
}

/** What has settled since a sequence, a page at a time; the next is read while one is folded. */
async function* newPages(store: Store, experimentId: number, sinceSeq: number): AsyncGenerator<FoldRow[]> {
  const pageAfter = (afterSeq: number): Promise<FoldRow[]> =>
    store.foldRows({ experimentId, afterSeq, limit: PAGE, withSignals: true });
  let next: Promise<FoldRow[]> | null = pageAfter(sinceSeq);
  while (next) {
    const rows: FoldRow[] = await next;
    const last = rows.at(-1);
    next = last && rows.length === PAGE ? pageAfter(last.seq) : null;
    // Where a decision falls, nobody asks for it any more.
    next?.catch(() => undefined);
    if (last) yield rows;
  }
}

/** Folds what has settled since the checkpoint, deciding after each, until a decision or until nothing is left. */
async function foldNew(
  store: Store,
  experiment: StoredExperiment,
  from: Checkpoint,
): Promise<Pick<Finding, "checkpoint" | "terms" | "ruling" | "out">> {
  const { promotion } = experiment;
  const folding = new ExperimentFolding(experiment, from);
  const { evidence } = folding;
  let { foldedSeq } = from;
  let ruling: Ruling = COLLECTING;
  let facts = { ...folding.terms, promotion, evidence, isExpired: false, out: outOf(experiment) };
  for await (const rows of newPages(store, experiment.id, foldedSeq)) {
    await takeTurn();
    for (const row of rows) {
      folding.add(row);
      foldedSeq = row.seq;
      // The terms change with a revision alone.
      if (folding.terms.policy !== facts.policy) facts = { ...facts, ...folding.terms };
      const out = latched(facts);
      if (out !== facts.out) facts = { ...facts, out };
      ruling = decide(facts);
      if (!isCollecting(ruling)) break;
    }
    if (!isCollecting(ruling)) break;
  }
  const moved = foldedSeq !== from.foldedSeq;
  const checkpoint = moved ? { version: from.version + 1, foldedSeq, evidence } : from;
  return { checkpoint, terms: folding.terms, ruling, out: facts.out };
}

/** Whether the experiment has outlived its maximum duration. */
function isExpired(experiment: StoredExperiment, nowMs: number): boolean {
  const { maxDurationMs } = experiment.policy;
  return maxDurationMs !== null && nowMs > (experiment.startedAtMs ?? nowMs) + maxDurationMs;
}

const ENDING = { promote: "promote", hold: "hold", abort: "abort" } as const;
const AUDIT_ACTION = {
  promote: "promoted",
  hold: "held",
  abort: "aborted",
  continue: "awaiting-approval",
} as const;

/** Settled, folded and ruled on, before anything of it is stored. */
interface Finding {
  readonly experiment: StoredExperiment;
  readonly newest: NewestEvaluation | null;
  readonly from: Checkpoint;
  readonly checkpoint: Checkpoint;
  readonly terms: Terms;
  readonly ruling: Ruling;
  /** who is out, in the order of the challengers' arms */
  readonly out: readonly (OutReason | null)[] | null;
  readonly isExpired: boolean;
  /** live counts, where the fuse was asked */
  readonly live: readonly LiveCount[] | null;
}

/** @throws DethroneError `stored_data_invalid` */
function assertFrozen({ policy, policyHash, uid }: StoredExperiment): void {
  // Experiments of the first schema have no such hash.
  if (policyHash === "" || policyHashOf(policy) === policyHash) return;
  throw new DethroneError(
    "stored_data_invalid",
    `The policy of experiment ${uid} is not the one it was started with: alpha, margins and the like are frozen at start. Start a new experiment instead.`,
    { experiment: uid, stored: policyHash, found: policyHashOf(policy) },
  );
}

async function find(
  context: EngineContext,
  store: Store,
  { experiment, checkpoint: from, newest }: TickState,
  isCalm: boolean,
): Promise<Finding> {
  assertFrozen(experiment);
  const isWaiting = experiment.awaitingSeq !== null;
  const folded = isWaiting
    ? {
        checkpoint: from,
        terms: termsAt(experiment, from.foldedSeq),
        ruling: COLLECTING,
        out: outOf(experiment),
      }
    : await foldNew(store, experiment, from);
  if (!isCollecting(folded.ruling))
    return { experiment, newest, from, ...folded, isExpired: false, live: null };
  // The clock and the live counts are asked last: what had settled before still counts.
  const expired = isExpired(experiment, context.clock.now());
  const { evidence } = folded.checkpoint;
  const isAsked = !isWaiting && !isCalm && folded.terms.policy.fuse !== null;
  const live = isAsked ? await store.liveCounts(experiment.id) : null;
  const { promotion } = experiment;
  const facts = { ...folded.terms, promotion, evidence, isExpired: expired, live, out: folded.out };
  const out = latched(facts);
  const ruling = decide({ ...facts, out });
  return { experiment, newest, from, ...folded, ruling, out, isExpired: expired, live };
}

/** The arms for the sessions to come, by the share rule and by who is out; null where they stay. */
function nextArms({ experiment, checkpoint, terms, ruling, out }: Finding): readonly ArmChange[] | null {
  if (!isCollecting(ruling)) return null;
  const facts = { ...terms, evidence: checkpoint.evidence, shares: sharesOf(experiment) };
  return changedArms(experiment, nextShares(shareRuleOf(experiment), facts), out);
}

/** The challengers that are out from now on. */
function droppedAudit({ experiment, out }: Finding, actor: string, atMs: number): AuditEntry[] {
  return challengersOf(experiment).flatMap((arm, j) => {
    const reason = out?.[j] ?? null;
    if (reason === null || arm.out !== null) return [];
    const details = { challenger: arm.config.hash, place: j + 1 };
    return [{ action: "dropped", actor, reason, details, atMs }];
  });
}

function auditOf(
  finding: Finding,
  arms: readonly ArmChange[] | null,
  actor: string,
  atMs: number,
): AuditEntry[] {
  const { experiment, ruling, checkpoint } = finding;
  const sessionCount = checkpoint.evidence.index;
  if (!isCollecting(ruling)) {
    const { verdict, reason } = ruling;
    const action =
      verdict === "promote" && experiment.kind === "watch" ? "rolled-back" : AUDIT_ACTION[verdict];
    const hash = ruling.arm === undefined ? undefined : armAt(experiment, ruling.arm).config.hash;
    const role = verdict === "promote" ? "champion" : "challenger";
    const details = { ...(hash !== undefined && { [role]: hash }), sessionCount };
    return [{ action, actor, reason, details, atMs }];
  }
  const dropped = droppedAudit(finding, actor, atMs);
  // A ramp has a handful of steps; an adaptive share moves too often for the log, and each session keeps its own.
  if (arms === null || dropped.length > 0 || shareRuleOf(experiment).kind !== "ramp") return dropped;
  const share = 1 - shareOf(arms[0]?.bucketCount ?? 0);
  const details = { share, sessionCount };
  return [{ action: "share-raised", actor, reason: `ramp to ${share}`, details, atMs }];
}

async function changeOf(
  context: EngineContext,
  store: Store,
  finding: Finding,
  by: {
    readonly actor: string;
    readonly arms: readonly ArmChange[] | null;
    readonly outline: EvaluationOutline;
  },
): Promise<ExperimentChange> {
  const { experiment, from, checkpoint, ruling, isExpired: expired, live, out } = finding;
  const { actor, arms, outline: numbers } = by;
  const { verdict, reason, arm = null } = ruling;
  const status = verdict === "continue" ? experiment.status : nextStatus(experiment.status, ENDING[verdict]);
  const atMs = context.clock.now();
  const record = { actor, isExpired: expired, live, out, checkpoint };
  const isAwaiting = reason === "awaiting-approval";
  return {
    experiment,
    status,
    awaiting: isAwaiting ? { seq: checkpoint.foldedSeq, arm: arm ?? 1 } : null,
    checkpoint: checkpoint === from ? null : { previousVersion: from.version, next: checkpoint },
    decision: isCollecting(ruling)
      ? null
      : await decisionRecord(context, store, experiment, { verdict, reason, arm }, record),
    evaluation: evaluationRecord(finding, { numbers, arms, actor, atMs }),
    arms,
    ...promotionOf(context, experiment, verdict === "promote" ? arm : null, actor),
    audit: auditOf(finding, arms, actor, atMs),
    atMs,
  };
}

/** What is told of an experiment: the numbers of the challenger that is ruled on, else of the leading one. */
function resultOf(
  finding: Finding,
  changed: boolean,
  { sessionCount, contests }: EvaluationOutline,
): TickResult {
  const { experiment, ruling } = finding;
  const told = contests.find(({ arm }) => arm === ruling.arm) ?? (contests[0] as Contest);
  const { probabilityBetter, logSupPromote, logSupHarm, chanceOfPromotion } = told;
  return {
    project: experiment.projectKey,
    experiment: experiment.uid,
    verdict: ruling.verdict,
    reason: ruling.reason,
    changed,
    sessionCount,
    ...{ probabilityBetter, logSupPromote, logSupHarm, chanceOfPromotion },
  };
}

function fuseState(
  { terms: { policy }, live }: Finding,
  wasCalm: boolean,
): Pick<Ticked, "isFuseNear" | "isCalm"> {
  const { fuse } = policy;
  const challengers = live?.slice(1) ?? [];
  return {
    isFuseNear:
      fuse !== null && challengers.some(({ errors }) => errors >= fuse.errorRate * fuse.minSessions),
    isCalm: live === null ? wasCalm : challengers.every(({ errors }) => errors === 0),
  };
}

/** How one experiment is ticked. */
interface TickOneOptions {
  /** find out, but store nothing */
  readonly isDryRun: boolean;
  readonly actor: string;
  /** whether it is known that no challenger's live sessions have failed, so that the fuse need not be asked */
  readonly isCalm?: boolean;
}

/** Folds and decides one running experiment, and moves its share as its rule says. */
export async function tickExperiment(
  context: EngineContext,
  store: Store,
  state: TickState,
  options: TickOneOptions,
): Promise<Ticked> {
  const { experiment } = state;
  const { isCalm = false } = options;
  const finding = await find(context, store, state, isCalm);
  const isWaitingStill = experiment.awaitingSeq !== null && finding.ruling.verdict === "continue";
  const arms = isWaitingStill ? null : nextArms(finding);
  const outline = outlineOf({ ...finding.terms, ...finding, evidence: finding.checkpoint.evidence });
  const hasNews = finding.checkpoint !== finding.from || !isCollecting(finding.ruling) || arms !== null;
  if (options.isDryRun || isWaitingStill || !hasNews)
    return {
      result: resultOf(finding, false, outline),
      isStored: false,
      ...fuseState(finding, isCalm),
    };
  const change = await changeOf(context, store, finding, { actor: options.actor, arms, outline });
  const isStored = await store.changeExperiment(change);
  if (isStored && change.decision) decided(context, experiment, change.decision);
  const result = resultOf(finding, isStored && !isCollecting(finding.ruling), outline);
  return { result, isStored, ...fuseState(finding, isCalm) };
}
