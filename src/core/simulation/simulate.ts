/**
 * `simulate`: whole experiments on simulated sessions, through the same fold and the same {@link decide} as real ones.
 *
 * Each run has its own random numbers, made of the seed and its index: what it gives does not depend on which other runs
 * are made, in which order or by which worker.
 */
import {
  type DecisionFacts,
  decide,
  outReason,
  type Reason,
  type Ruling,
  type Verdict,
} from "../decision/decide.js";
import { emptyEvidence, type FoldInput, Folding } from "../decision/evidence.js";
import { createPolicy, type Policy, type PolicyInput } from "../decision/policy.js";
import {
  createShareRule,
  nextShares,
  plannedShares,
  type ShareRule,
  type ShareRuleInput,
  startShares,
} from "../decision/share-rule.js";
import { createRandom } from "../random.js";
import { probabilitiesOf } from "./simulated-probability.js";
import { checkWhole, createWorld, sessionSource, type World, type WorldInput } from "./simulated-sessions.js";

/** What is simulated. Plain data: it travels to worker threads. */
export interface Simulation {
  readonly policy: Policy;
  readonly share: ShareRule;
  readonly world: World;
  /** sessions between two looks of the share rule */
  readonly tickEvery: number;
  readonly seed: number;
}

/** What a caller gives; a field left out takes its default. */
export interface SimulationInput extends WorldInput {
  /** default `calibrated` */
  readonly policy?: PolicyInput | Policy["kind"] | undefined;
  /** default 0.2 */
  readonly share?: ShareRuleInput | undefined;
  /** an integer of at least 1; default 20 */
  readonly tickEvery?: number | undefined;
  /** integer in [0, 2^53); default 1 */
  readonly seed?: number | undefined;
}

/** Planned sessions up to which an experiment is simulated. */
export const HORIZON_MAX = 1e7;

/**
 * A complete, checked simulation. Scores alone are simulated: the policy's guardrails and fuse are left out.
 *
 * @throws DethroneError `settings_invalid`, `policy_invalid`, `share_out_of_range`
 * @example
 * createSimulation({ baseRate: 0.8, effect: 0.05 }).policy.horizon; // 2000
 */
export function createSimulation(input: SimulationInput = {}): Simulation {
  const { seed = 1, tickEvery = 20 } = input;
  const policy = { ...createPolicy(input.policy), guardrails: [], fuse: null };
  checkWhole("horizon", policy.horizon, [1, HORIZON_MAX]);
  checkWhole("tickEvery", tickEvery, [1, 1e6]);
  checkWhole("seed", seed, [0, Number.MAX_SAFE_INTEGER]);
  const share = createShareRule(input.share ?? 0.2, policy.horizon);
  return { policy, share, world: createWorld(input), tickEvery, seed };
}

/** The ways a run can end. */
export const ENDINGS = [
  { verdict: "promote", reason: "evidence" },
  { verdict: "hold", reason: "futility" },
  { verdict: "hold", reason: "horizon" },
  { verdict: "abort", reason: "harm" },
  { verdict: "abort", reason: "srm" },
] as const satisfies { verdict: Verdict; reason: Reason }[];

/** What consecutive runs gave, a place for each run. Plain data. */
export interface SimulatedRuns {
  /** index of the first run */
  readonly from: number;
  /** indices into {@link ENDINGS} */
  readonly endings: Uint8Array;
  /** the arm promoted, from 1; 0 for none */
  readonly promoted: Uint8Array;
  /** units folded by the decision */
  readonly units: Int32Array;
  /** sessions assigned by the decision, arm by arm, the champion's first: as many a run as there are arms */
  readonly armSessions: Int32Array;
  /** for a promotion, the promoted arm's mean score less the champion's at that moment; NaN otherwise */
  readonly uplifts: Float64Array;
}

/** The finaliser of MurmurHash3: one to one, and each bit of the input moves all bits of the output. */
function mixed(value: number): number {
  let z = value >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** The seed of a run's random numbers, in [0, 2^53): no two runs of one simulation have the same. */
export function runSeed(seed: number, run: number): number {
  const low = mixed(run + mixed(seed));
  const high = mixed(low ^ mixed(Math.floor(seed / 2 ** 32) ^ 0x2545f491)) >>> 11;
  return high * 2 ** 32 + low;
}

interface Pending extends FoldInput {
  readonly settlesAt: number;
}

/** One experiment, from its first session to its decision. */
class Run {
  /** by arm */
  readonly armSessions: number[];
  readonly #simulation: Simulation;
  readonly #folding: Folding;
  readonly #facts: DecisionFacts;
  readonly #probabilities: ReturnType<typeof probabilitiesOf>;
  readonly #next: ReturnType<typeof sessionSource>;
  readonly #pending: Pending[] = [];
  #settled = 0;
  #shares: readonly number[];
  #isOut: boolean[];

  constructor(simulation: Simulation, run: number) {
    const { policy, share, world, seed } = simulation;
    const challengers = world.effects.length;
    const terms = { policy, planShares: plannedShares(share, challengers) };
    this.#simulation = simulation;
    this.#folding = new Folding(emptyEvidence(terms), terms, {
      missingness: world.missing === null,
      uplift: policy.kind === "threshold",
    });
    const { evidence } = this.#folding;
    this.#probabilities = probabilitiesOf(simulation, evidence);
    const { decisive } = this.#probabilities;
    this.#facts = { ...terms, promotion: "auto", evidence, isExpired: false, probability: decisive };
    this.#next = sessionSource(world, policy.horizon, createRandom(runSeed(seed, run)));
    this.#shares = startShares(share, challengers);
    this.#isOut = Array(challengers).fill(false);
    this.armSessions = Array(challengers + 1).fill(0);
  }

  get units(): number {
    return this.#facts.evidence.index;
  }

  /** Sessions until a decision. */
  toDecision(): Ruling {
    const { world, tickEvery } = this.#simulation;
    const isLate = world.delay !== null;
    const unit = { arm: 0, shares: this.#shares, score: 0 as number | null };
    for (let assigned = 1; ; assigned++) {
      const session = this.#next(this.#shares);
      const { arm, score } = session;
      this.armSessions[arm] = (this.armSessions[arm] as number) + 1;
      let ruling: Ruling | null;
      if (isLate) {
        this.#pending.push({ arm, shares: this.#shares, score, settlesAt: assigned + session.delay });
        ruling = this.#settle(assigned);
      } else {
        unit.arm = arm;
        unit.shares = this.#shares;
        unit.score = score;
        ruling = this.#fold(unit);
      }
      if (ruling !== null) return ruling;
      if (assigned % tickEvery === 0) this.#look();
    }
  }

  /** Folds what is known by now, each session waiting for every earlier one. */
  #settle(assigned: number): Ruling | null {
    for (; this.#settled < this.#pending.length; this.#settled++) {
      const unit = this.#pending[this.#settled] as Pending;
      if (unit.settlesAt > assigned) return null;
      const ruling = this.#fold(unit);
      if (ruling !== null) return ruling;
    }
    return null;
  }

  #fold(unit: FoldInput): Ruling | null {
    this.#folding.add(unit);
    this.#probabilities.add(unit);
    const ruling = decide(this.#facts);
    return ruling.verdict === "continue" ? null : ruling;
  }

  /** The shares for the sessions to come; that of a challenger which is out returns to the champion. */
  #look(): void {
    const { share } = this.#simulation;
    const facts = this.#facts;
    if (share.kind !== "fixed") {
      const { better } = this.#probabilities;
      this.#shares = nextShares(share, { ...facts, shares: this.#shares, probability: better });
    }
    if (this.#isOut.length === 1) return;
    for (let j = 0; j < this.#isOut.length; j++) this.#isOut[j] ||= outReason(facts, j) !== null;
    if (this.#isOut.some((isOut, j) => isOut && this.#shares[j] !== 0))
      this.#shares = this.#shares.map((each, j) => (this.#isOut[j] ? 0 : each));
  }

  /** The promoted arm's mean score less the champion's. */
  uplift(arm: number): number {
    const { arms } = this.#facts.evidence;
    const [left, right] = [arms[0], arms[arm]] as [
      { sum: number; count: number },
      { sum: number; count: number },
    ];
    return right.sum / right.count - left.sum / left.count;
  }
}

/**
 * Runs `from` to `to - 1` of a simulation.
 *
 * @param onRun called after each run
 * @returns the same for the same simulation and index, whatever the division into calls
 *
 * Cost: about a microsecond a session.
 */
export function simulateRuns(
  simulation: Simulation,
  from: number,
  to: number,
  onRun?: () => void,
): SimulatedRuns {
  const count = to - from;
  const armCount = simulation.world.effects.length + 1;
  const runs = {
    from,
    endings: new Uint8Array(count),
    promoted: new Uint8Array(count),
    units: new Int32Array(count),
    armSessions: new Int32Array(count * armCount),
    uplifts: new Float64Array(count).fill(Number.NaN),
  };
  for (let k = 0; k < count; k++) {
    const run = new Run(simulation, from + k);
    const { verdict, reason, arm = 0 } = run.toDecision();
    runs.endings[k] = ENDINGS.findIndex((ending) => ending.verdict === verdict && ending.reason === reason);
    runs.promoted[k] = arm;
    runs.units[k] = run.units;
    runs.armSessions.set(run.armSessions, k * armCount);
    if (arm > 0) runs.uplifts[k] = run.uplift(arm);
    onRun?.();
  }
  return runs;
}
