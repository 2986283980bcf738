/**
 * Backtest: recorded sessions through the real engine, on a virtual clock and seeded ids.
 *
 * The engine draws the arm of each session; the next unused recorded session of that arm gives its score. Since a
 * verdict depends on the session log alone, sessions run in batches with a tick after each.
 */

import type { Reason, Verdict } from "../../core/decision/decide.js";
import type { ArmEvaluation, Evaluation } from "../../core/decision/evaluation.js";
import type { Role } from "../../core/decision/evidence.js";
import { DEFAULT_WINDOW_MS, type Policy, type PolicyInput } from "../../core/decision/policy.js";
import { probabilityBetterBy } from "../../core/decision/posterior.js";
import { DethroneError } from "../../core/errors.js";
import { bucketCountOf } from "../../core/sessions/assignment.js";
import type { Engine } from "../engine.js";
import { evaluateExperiment } from "../experiments/evaluate-experiment.js";
import { ExperimentFolding, foldRowPages } from "../experiments/folding.js";
import type { Clock, FoldRow, Store } from "../ports.js";
import type { Session } from "../sessions/session.js";
import type { RecordedArms, RecordedOrder } from "./recorded.js";

/** How a backtest runs. */
export interface BacktestSettings {
  readonly project: string;
  readonly share: number;
  readonly policy: PolicyInput;
  /** default: as many units as the scarcer arm lasts for */
  readonly horizon?: number | undefined;
  readonly seed: number;
  readonly order: RecordedOrder;
  /** what the configs of the two arms are called: any JSON objects that differ */
  readonly configs: { readonly champion: object; readonly challenger: object };
  /** metrics the recorded sessions carry; those the engine itself would measure mean nothing here */
  readonly metrics: readonly string[];
  readonly onProgress?: (done: number, horizon: number) => void;
}

/** A virtual clock: time passes when it is told to. */
export interface VirtualClock extends Clock {
  advance(ms: number): void;
}

/** One folded session, as `--trace` prints it. Logs are natural. */
export interface TraceRow {
  readonly index: number;
  readonly arm: Role;
  readonly share: number;
  readonly score: number;
  readonly logEPromote: number;
  readonly logEHarm: number;
  readonly probabilityBetter: number;
}

/** What the engine would have decided. */
export interface BacktestResult {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly sessionCount: number;
  readonly arms: readonly ArmEvaluation[];
  readonly evaluation: Omit<Evaluation, "arms" | "sessionCount">;
  readonly policy: Policy;
  readonly share: number;
  readonly horizon: number;
  readonly seed: number;
  readonly order: RecordedOrder;
  /** id of the stored decision; null while the verdict is `continue` */
  readonly decision: string | null;
  readonly warnings: readonly string[];
}

const BATCH = 200;
const SESSION_MS = 1000;

/** Units until the scarcer arm runs out, on average: floor(min(nChampion / (1 - share), nChallenger / share)). */
function defaultHorizon(arms: RecordedArms, share: number): number {
  // In buckets, so that no rounding of 1 - share can shorten the horizon by one.
  const buckets = bucketCountOf(share);
  const champion = (arms.champion.length * 10_000) / (10_000 - buckets);
  return Math.max(1, Math.floor(Math.min(champion, (arms.challenger.length * 10_000) / buckets)));
}

const ORDER_WARNING =
  "sessions are taken in the order of the log: if the log is grouped (by task, by day), the verdict is about its first groups, not about the configs; the default order 'shuffle' avoids that";

function checkShare(share: number): void {
  if (share !== 0) return;
  throw new DethroneError("share_out_of_range", "A backtest needs a share in [0.01, 0.99]; received 0.", {
    received: 0,
  });
}

/** Runs recorded sessions through the engine until it decides, or until the drawn arm has no session left. */
export async function runBacktest(
  engine: Engine,
  store: Store,
  clock: VirtualClock,
  arms: RecordedArms,
  settings: BacktestSettings,
): Promise<BacktestResult> {
  checkShare(settings.share);
  const horizon = settings.horizon ?? settings.policy.horizon ?? defaultHorizon(arms, settings.share);
  if (await store.projectState(settings.project)) {
    throw new DethroneError(
      "project_exists",
      `The database holds a project '${settings.project}' already; backtest into another.`,
      {
        project: settings.project,
      },
    );
  }
  const project = await engine.project<object>(settings.project, { champion: settings.configs.champion });
  const { share } = settings;
  // The fuse is about errors as they arrive; recorded sessions have no such order. It stands if it is asked for.
  const policy = { fuse: null, ...settings.policy };
  const { experiment } = await project.challenge(settings.configs.challenger, { share, policy, horizon });
  const batch: Batch = {
    start: () => project.session(),
    leaveOut: (sessionId) => store.excludeSession({ sessionId, served: null }),
    pools: { champion: arms.champion.values(), challenger: arms.challenger.values() },
    clock,
    windowMs: experiment?.policy.windowMs ?? DEFAULT_WINDOW_MS,
  };
  let isExhausted = false;
  for (let done = 0; !isExhausted; done += BATCH) {
    settings.onProgress?.(done, horizon);
    isExhausted = await runBatch(batch);
    const [result] = await engine.decide({ project: settings.project });
    if (result?.verdict !== "continue") break;
  }
  return backtestResult(store, settings);
}

/** What a batch of sessions is run with. */
interface Batch {
  readonly start: () => Promise<Session<object>>;
  readonly leaveOut: (sessionId: string) => Promise<void>;
  readonly pools: Record<Role, Iterator<RecordedArms[Role][number]>>;
  readonly clock: VirtualClock;
  readonly windowMs: number;
}

/** Runs one batch of sessions; whether the drawn arm had none left. */
async function runBatch({ start, leaveOut, pools, clock, windowMs }: Batch): Promise<boolean> {
  const writes: Promise<unknown>[] = [];
  let missing = 0;
  let isExhausted = false;
  for (let i = 0; i < BATCH && !isExhausted; i += 1) {
    clock.advance(SESSION_MS);
    const session = await start();
    const next = pools[session.arm].next();
    if (next.done) {
      isExhausted = true;
      // Drawn, but there is nothing to play it with: it is no session of the backtest.
      writes.push(leaveOut(session.id));
    } else {
      const { score, metrics } = next.value;
      // With a key of its own a signal draws no id: the arms stay the same whatever is recorded beside the score.
      for (const [name, value] of Object.entries(metrics))
        writes.push(session.signal({ name, value, key: name }));
      missing += score === null ? 1 : 0;
      writes.push(session.end(score === null ? {} : { score }));
    }
  }
  await Promise.all(writes);
  // A missing session settles when its window closes.
  if (missing > 0) clock.advance(windowMs + 1);
  return isExhausted;
}

async function backtestResult(store: Store, settings: BacktestSettings): Promise<BacktestResult> {
  const [experiment] = await store.experiments(settings.project);
  if (!experiment) throw new DethroneError("invariant_violated", "The backtest's experiment is not stored.");
  const [decision] = (await store.decisions({ experimentId: experiment.id })).filter(
    (each) => each.isTerminal,
  );
  const evaluation = decision?.evaluation ?? (await evaluateExperiment(store, experiment));
  const { arms, sessionCount, metrics, ...numbers } = evaluation;
  const recorded = Object.entries(metrics).filter(([name]) => settings.metrics.includes(name));
  return {
    verdict: decision?.verdict ?? "continue",
    reason: decision?.reason ?? "data-exhausted",
    sessionCount,
    arms,
    evaluation: { ...numbers, metrics: Object.fromEntries(recorded) },
    policy: experiment.policy,
    share: experiment.planShares[0] as number,
    horizon: experiment.policy.horizon,
    seed: settings.seed,
    order: settings.order,
    decision: decision?.uid ?? null,
    warnings: settings.order === "shuffle" ? [] : [ORDER_WARNING],
  };
}

/** Each folded session of the backtest's experiment with the evidence after it, folded again from zero. */
export async function traceBacktest(store: Store, projectKey: string): Promise<TraceRow[]> {
  const [experiment] = await store.experiments(projectKey);
  if (!experiment) return [];
  const { foldedSeq } = await store.checkpoint(experiment.id);
  const trace: TraceRow[] = [];
  const folding = new ExperimentFolding(experiment);
  for await (const page of foldRowPages(store, experiment.id, foldedSeq, { withSignals: false })) {
    for (const row of page) {
      folding.add(row);
      if (row.score !== null) trace.push(traceRow(row, row.score, folding));
    }
  }
  return trace;
}

function traceRow({ arm, shares }: FoldRow, score: number, folding: ExperimentFolding): TraceRow {
  const { evidence, terms } = folding;
  const [pair] = evidence.pairs;
  return {
    index: evidence.index,
    arm: arm === 0 ? "champion" : "challenger",
    share: shares[0] as number,
    score,
    logEPromote: pair?.promote.logE ?? 0,
    logEHarm: pair?.harm.logE ?? 0,
    probabilityBetter: probabilityBetterBy(evidence, terms.policy, 0),
  };
}
