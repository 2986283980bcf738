/**
 * Many experiments in a row. The level of one experiment bounds how often it promotes wrongly, not how many of the
 * promoted challengers are no better: where 8 of 10 challengers are duds, a level of 0.05 gave 16 % false promotions.
 *
 * Two remedies: a ledger, which adds up how many false promotions the levels allow, and e-LOND, which gives each
 * experiment a level such that the false discovery rate of the whole stream stays bounded.
 */
import { checkInside, checkInteger } from "../check.js";
import { domainError } from "../errors.js";
import type { Reason, Verdict } from "./decide.js";

/**
 * The sum of 1/(n ln^2 n) over n = 2, 3, ..., so that the weights of e-LOND sum to 1.
 *
 * Computed as the terms below n = 100 plus the Euler-Maclaurin tail 1/ln n + f(n)/2 - f'(n)/12 + f'''(n)/720 - ...
 */
const WEIGHTS_TOTAL = 2.109742801236892;

/** Where a stream of experiments stands when its next experiment starts. */
export interface StreamPosition {
  /** bound on the expected share of false ones among all promotions of the stream, in (0, 1) */
  readonly fdr: number;
  /** number of the experiment that starts, from 1 */
  readonly index: number;
  /** how many of the experiments before it have promoted on evidence; an integer in [0, index - 1] */
  readonly promotions: number;
}

/**
 * The level of the next experiment under e-LOND.
 *
 * fdr gamma_index (promotions + 1), gamma_k proportional to 1/((k + 1) ln^2(k + 1)) and summing to 1. If every experiment
 * of the stream, in the order of starting, has the level given here, the expected share of false ones among its
 * promotions is at most fdr, however the experiments depend on each other: the e-process at the stop is an e-value.
 * An experiment that is still running counts in the index and not in the promotions.
 *
 * @returns in (0, fdr/2)
 * @throws DethroneError `numeric_domain` if a field is outside its range.
 *
 * Source: Z. Xu, A. Ramdas, Online multiple testing with e-values, 2024 (e-LOND).
 *
 * @example
 * eLondLevel({ fdr: 0.1, index: 1, promotions: 0 }); // 0.049327552624
 */
export function eLondLevel({ fdr, index, promotions }: StreamPosition): number {
  checkInside("fdr", fdr);
  checkInteger("index", index, 1);
  checkInteger("promotions", promotions, 0);
  // More would be experiments of another stream, and is what could lift a level to 1.
  if (promotions >= index) domainError("promotions", promotions, `an integer in [0, ${index - 1}]`);
  const logarithm = Math.log(index + 1);
  return (fdr * (promotions + 1)) / ((index + 1) * logarithm * logarithm * WEIGHTS_TOTAL);
}

/** One started experiment, as the ledger sees it. */
export interface LedgerEntry {
  /** level of its promotion test, in (0, 1); null under the plain rule, which promises nothing */
  readonly alpha: number | null;
  /** null while it runs */
  readonly verdict: Verdict | null;
  /** null while it runs */
  readonly reason: Reason | null;
}

/** What a stream of experiments has promoted, and how much of that may be false. */
export interface Ledger {
  /** started experiments with a level, running ones included */
  readonly experiments: number;
  /** of these, the promoted ones whose test had crossed, approved ones included */
  readonly promotions: number;
  /** promotions that no test vouches for: by hand, or under the plain rule */
  readonly unproven: number;
  /** bound on the expected number of false ones among `promotions`: the sum of the levels */
  readonly expectedFalseMax: number;
  /** the same in words */
  readonly sentence: string;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Two decimals, never less than the number: it is a bound. */
const roundedUp = (bound: number): string => (Math.ceil(bound * 100 - 1e-9) / 100).toFixed(2);

/**
 * Adds up what a stream of experiments has promoted and how many false promotions are expected at most.
 *
 * A promotion counts as proven if its reason is `evidence`: the test had crossed, whether or not a person then approved.
 * Other promotions, as those by hand, are counted apart, for no level bounds them. The bound is the sum of the levels of
 * all started experiments, not of the promoted ones: each of them had its chance to promote wrongly. It is what is
 * expected before the data, and so can exceed the number of promotions.
 *
 * @param experiments all started experiments, in any order
 * @throws DethroneError `numeric_domain` if a level is outside (0, 1).
 *
 * @example
 * ledgerOf([{ alpha: 0.05, verdict: "promote", reason: "evidence" }]).sentence;
 * // "1 promotion in 1 experiment; at most 0.05 false ones are expected."
 */
export function ledgerOf(experiments: readonly LedgerEntry[]): Ledger {
  let tested = 0;
  let promotions = 0;
  let unproven = 0;
  let expectedFalseMax = 0;
  for (const { alpha, verdict, reason } of experiments) {
    if (alpha !== null) {
      checkInside("alpha", alpha);
      tested += 1;
      expectedFalseMax += alpha;
    }
    if (verdict !== "promote") continue;
    if (alpha !== null && reason === "evidence") promotions += 1;
    else unproven += 1;
  }
  const proven = `${counted(promotions, "promotion")} in ${counted(tested, "experiment")}`;
  const bound = `at most ${roundedUp(expectedFalseMax)} false ones are expected.`;
  const rest = unproven === 0 ? "" : ` ${counted(unproven, "further promotion")} without proof.`;
  return {
    experiments: tested,
    promotions,
    unproven,
    expectedFalseMax,
    sentence: `${proven}; ${bound}${rest}`,
  };
}
