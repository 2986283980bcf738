/**
 * An estimate of the uplift that stays unbiased while the share moves and the base rate drifts.
 */
import { checkLists } from "../check.js";
import type { EProcessData } from "./e-process.js";

/**
 * Mean of (g - w)(y - c)/(w (1 - w)), c the mean of the outcomes before, starting from one 0 and one 1.
 *
 * Pooled means are confounded when the share moves while the rate drifts (Simpson's paradox); each term here has the
 * uplift of its own session as its expectation, whatever the share and the base rate were then.
 *
 * @returns challenger less champion; unbounded, noisy at small shares; null without sessions
 * @throws DethroneError `numeric_domain` if the lists differ in length
 * @example
 * upliftEstimate({ g: [1, 0], y: [1, 0], w: [0.5, 0.5] }); // 1.1666666666666665
 */
export function upliftEstimate({ g, y, w }: EProcessData): number | null {
  checkLists({ g, y, w });
  if (g.length === 0) return null;
  let total = 0;
  let sum = 1;
  for (let i = 0; i < g.length; i++) {
    const share = w[i] as number;
    const outcome = y[i] as number;
    total += (((g[i] as number) - share) * (outcome - sum / (i + 2))) / (share * (1 - share));
    sum += outcome;
  }
  return total / g.length;
}
