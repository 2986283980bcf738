/**
 * What a project's experiments have promoted, and how much of that may be false.
 */
import { type Ledger, ledgerOf } from "../core/decision/ledger.js";
import type { Store } from "./ports.js";

/** The ledger of a project. */
export async function projectLedger(store: Store, projectKey: string): Promise<Ledger> {
  const rulings = await store.rulings(projectKey);
  return ledgerOf(
    rulings.map(({ policy, verdict, reason }) => ({
      alpha: policy.kind === "calibrated" ? policy.alpha : null,
      verdict,
      reason,
    })),
  );
}
