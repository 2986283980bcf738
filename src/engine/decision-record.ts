/**
 * A decision with everything it was made from, so that anyone can make it again.
 */
import type { Ruling } from "../core/decide.js";
import { evaluate } from "../core/evaluation.js";
import type { EngineContext } from "./context.js";
import type { Checkpoint, DecisionRecord, FoldRow, Store, StoredExperiment } from "./ports.js";

const PAGE = 5000;

/** All folded units of an experiment, in assignment order. */
export async function allFoldRows(store: Store, experimentId: number, untilSeq: number): Promise<FoldRow[]> {
  const rows: FoldRow[] = [];
  for (;;) {
    const afterSeq = rows.at(-1)?.seq ?? 0;
    const page = await store.foldRows({ experimentId, afterSeq, untilSeq, limit: PAGE });
    rows.push(...page);
    if (page.length < PAGE) return rows;
  }
}

/** A fold row as the pure core takes it. */
export function foldInput(row: FoldRow): { arm: FoldRow["role"]; share: number; score: number | null } {
  return { arm: row.role, share: row.share, score: row.score };
}

/**
 * The record of a ruling on an experiment.
 *
 * @param checkpoint the evidence it rests on; default: the stored one
 */
export async function decisionRecord(
  context: EngineContext,
  store: Store,
  experiment: StoredExperiment,
  ruling: Ruling,
  by: {
    readonly actor?: string | undefined;
    readonly reason?: string | null;
    readonly isExpired?: boolean;
    readonly checkpoint?: Checkpoint;
  },
): Promise<DecisionRecord> {
  const { policy, planShare, promotion } = experiment;
  const { evidence, foldedSeq } = by.checkpoint ?? (await store.checkpoint(experiment.id));
  const rows = await allFoldRows(store, experiment.id, foldedSeq);
  return {
    uid: context.ids.next(),
    isTerminal: ruling.verdict !== "continue",
    verdict: ruling.verdict,
    reason: ruling.reason,
    sessionCount: evidence.index,
    foldedSeq,
    isExpired: by.isExpired ?? false,
    policy,
    planShare,
    promotion,
    evidence,
    evaluation: evaluate({ policy, planShare, evidence, units: rows.map(foldInput) }),
    engineVersion: context.version,
    actor: by.actor ?? "library",
    note: by.reason ?? null,
    decidedAtMs: context.clock.now(),
  };
}
