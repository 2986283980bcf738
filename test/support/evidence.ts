import { decide, type Ruling } from "../../src/core/decision/decide.js";
import { type Evidence, emptyEvidence, type FoldInput, Folding } from "../../src/core/decision/evidence.js";
import { createPolicy, type Policy, type PolicyInput } from "../../src/core/decision/policy.js";
import type { Terms } from "../../src/core/decision/terms.js";
import { createRandom, type Random } from "../../src/core/random.js";

/** The terms of a contest: a policy, and the challengers' planned shares. */
export function termsOf(
  input: PolicyInput | Policy["kind"] = {},
  planShares: readonly number[] = [0.5],
): Terms {
  return { policy: createPolicy(input), planShares };
}

/** The evidence of some units, folded in order. */
export function foldAll(units: readonly FoldInput[], terms: Terms): Evidence {
  const folding = new Folding(emptyEvidence(terms), terms);
  for (const unit of units) folding.add(unit);
  return folding.evidence;
}

/** Simulated units: the challenger drawn with the share, success by arm. */
export function simulatedUnits(input: {
  readonly count: number;
  readonly share: number | ((index: number) => number);
  readonly champion: number | ((index: number) => number);
  readonly uplift: number;
  readonly seed: number;
}): FoldInput[] {
  const random = createRandom(input.seed);
  const at = (value: number | ((index: number) => number), index: number) =>
    typeof value === "number" ? value : value(index);
  return Array.from({ length: input.count }, (_, index) => {
    const share = at(input.share, index);
    const arm = random.next() < share ? 1 : 0;
    const rate = at(input.champion, index) + (arm === 1 ? input.uplift : 0);
    return { arm, shares: [share], score: random.next() < rate ? 1 : 0 };
  });
}

/** Simulated units of several challengers: an arm drawn by the shares, success by the arm's rate, the champion's first. */
export function simulatedContest(input: {
  readonly count: number;
  readonly shares: readonly number[] | ((index: number) => readonly number[]);
  readonly rates: readonly number[];
  readonly seed: number;
}): FoldInput[] {
  const random = createRandom(input.seed);
  return Array.from({ length: input.count }, (_, index) => {
    const shares = typeof input.shares === "function" ? input.shares(index) : input.shares;
    const arm = drawnArm(shares, random.next());
    return { arm, shares, score: random.next() < (input.rates[arm] as number) ? 1 : 0 };
  });
}

/** The arm a number in [0, 1) draws: the challengers in order from 0 upward, the champion the rest. */
export function drawnArm(shares: readonly number[], drawn: number): number {
  let end = 0;
  for (let j = 0; j < shares.length; j += 1) {
    end += shares[j] as number;
    if (drawn < end) return j + 1;
  }
  return 0;
}

/** How an experiment is run: looked at after every unit, and by the engine's own P(better), unless told otherwise. */
export interface RunOptions {
  /** units between two looks */
  readonly every?: number;
  /** P(challenger > champion + minUplift) of the evidence so far, by another rule */
  readonly probability?: (evidence: Evidence) => number;
}

/** Folds units one by one and decides after each: the first ruling that ends the experiment, or the last one. */
function firstRuling(units: Iterable<FoldInput>, terms: Terms, options: RunOptions = {}): Ruling {
  const { every = 1, probability } = options;
  const folding = new Folding(emptyEvidence(terms), terms);
  const { evidence } = folding;
  const other = probability ? { probability: () => probability(evidence) } : {};
  const facts = { ...terms, ...other, promotion: "auto", evidence, isExpired: false } as const;
  let ruling = decide(facts);
  let count = 0;
  for (const unit of units) {
    folding.add(unit);
    count += 1;
    if (count % every === 0) ruling = decide(facts);
    if (ruling.verdict !== "continue") return ruling;
  }
  return decide(facts);
}

/** Rulings of `runs` experiments, each on units made from a seed of its own: parts of all that end so. */
export function rulingRates(
  runs: number,
  seed: number,
  experiment: (random: Random) => Iterable<FoldInput>,
  given: { readonly terms: Terms } & RunOptions,
): Readonly<Record<Ruling["verdict"], number>> {
  const rates = { promote: 0, hold: 0, abort: 0, continue: 0 };
  for (let run = 0; run < runs; run += 1) {
    rates[firstRuling(experiment(createRandom(seed + run)), given.terms, given).verdict] += 1 / runs;
  }
  return rates;
}

/** The most a rate of probability `p` or less shows in `runs` runs: three standard errors above. */
export const atMost = (p: number, runs: number): number => p + 3 * Math.sqrt((p * (1 - p)) / runs);
