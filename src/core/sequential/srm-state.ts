/**
 * The running test of the sample ratio: do units reach the arms in the shares that were meant?
 *
 * E is the product, unit by unit, of what a Dirichlet forecast gave the arm that came over what the shares gave it:
 * p_j = q_j (C + n r_j) / sum over i of q_i (C + n r_i), r_j = units of arm j over those expected. While the shares
 * stand still this is exactly the e-value of `srmSequentialLogE`; when they move, what was learned stays, because the
 * forecast is made of the ratios to the shares and any forecast from the past gives a valid e-value.
 *
 * Source: M. Lindon, A. Malek, Anytime-valid inference for multinomial count data, 2022.
 */

/** Where the test stands. Plain JSON. */
export interface SrmState {
  /** settled units of each arm, missing ones included; the champion first */
  readonly counts: readonly number[];
  /** what the shares expected of each */
  readonly expected: readonly number[];
  /** natural log of the e-value */
  readonly logE: number;
}

/** Prior weight of the forecast, in sessions; 100 suits experiments of this size (10,000, for web traffic, is blind). */
const CONCENTRATION = 100;

/** The test before the first unit. */
export function startSrm(armCount: number): SrmState {
  return { counts: Array(armCount).fill(0), expected: Array(armCount).fill(0), logE: 0 };
}

/** Adds a unit of `arm`, assigned under the challengers' `shares`, in place. */
export function addToSrm(
  state: { readonly counts: readonly number[]; readonly expected: readonly number[]; logE: number },
  arm: number,
  shares: readonly number[],
): void {
  const counts = state.counts as number[];
  const expected = state.expected as number[];
  let champion = 1;
  for (const share of shares) champion -= share;
  let total = 0;
  let n = 0;
  for (const count of counts) n += count;
  let forecast = 0;
  for (let j = 0; j < counts.length; j++) {
    const q = j === 0 ? champion : (shares[j - 1] as number);
    const ratio = expected[j] === 0 ? 1 : (counts[j] as number) / (expected[j] as number);
    const weight = CONCENTRATION + n * ratio;
    total += q * weight;
    if (j === arm) forecast = weight;
    expected[j] = (expected[j] as number) + q;
  }
  counts[arm] = (counts[arm] as number) + 1;
  state.logE += Math.log(forecast / total);
}
