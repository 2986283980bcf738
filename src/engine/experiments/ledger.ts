/**
 * What a project's experiments have promoted, and how much of that may be false.
 */
import { type Ledger, ledgerOf } from "../../core/decision/ledger.js";
import type { Store, StoredRuling } from "../ports.js";

/** The ledger of rulings, one an experiment. */
export function ledgerFrom(rulings: readonly StoredRuling[]): Ledger {
  return ledgerOf(
    rulings.map(({ policy, verdict, reason, assign }) => ({
      // What a rule places is never tested, and so promotes nothing wrongly by itself.
      alpha: policy.kind === "calibrated" && assign === null ? policy.alpha : null,
      verdict,
      reason,
    })),
  );
}

/** The ledger of a project. */
export async function projectLedger(store: Store, projectKey: string): Promise<Ledger> {
  return ledgerFrom(await store.rulings(projectKey));
}
