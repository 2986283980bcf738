/**
 * An estimate of the uplift that stays unbiased while the share moves and the base rate drifts.
 */
import { checkLists } from "../check.js";
import type { EProcessData, EProcessSession } from "./e-process.js";

/** The sums that {@link upliftEstimate} is made of, session by session. */
export class RunningUplift {
  #count = 0;
  #total = 0;
  #sum = 1;

  /** Sessions come in the order of their assignment, each once. */
  add({ g, y, w }: EProcessSession): void {
    this.#total += ((g - w) * (y - this.#sum / (this.#count + 2))) / (w * (1 - w));
    this.#sum += y;
    this.#count += 1;
  }

  /** the mean so far; null without sessions */
  get estimate(): number | null {
    return this.#count === 0 ? null : this.#total / this.#count;
  }
}

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
  const uplift = new RunningUplift();
  for (let i = 0; i < g.length; i++) uplift.add({ g: g[i] as 0 | 1, y: y[i] as number, w: w[i] as number });
  return uplift.estimate;
}
