/**
 * Guardrails: a challenger at the margin is stopped, or passes, with probability at most alpha, whatever the tail; and
 * a worse one is found. `npm run calibration` runs the full form.
 */
import { describe, expect, it } from "vitest";
import { createRandom, type Random } from "../../src/core/random.js";
import {
  advanceGuardrail,
  type GuardrailPlan,
  prepareGuardrail,
  runningGuardrail,
  startGuardrail,
} from "../../src/core/sequential/guardrail.js";

const RUNS = process.env.CALIBRATION === "full" ? 2000 : 100;
const HORIZON = 2000;
const SEED = 20_261_121;
const ALPHA = 0.05;

type Draw = (random: Random, ratio: number) => number;

function lognormal(sigma: number): Draw {
  return (random, ratio) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
    return ratio * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()));
  };
}

/** One value in twenty is a Pareto of index 1 above it: its mean is infinite. */
function withSpikes(draw: Draw): Draw {
  return (random, ratio) => draw(random, ratio) / (random.next() < 0.05 ? 1 - random.next() : 1);
}

/** A Poisson count by inversion. */
function poisson(mean: number): Draw {
  return (random, ratio) => {
    const target = random.next();
    let probability = Math.exp(-mean * ratio);
    let reached = probability;
    let count = 0;
    while (target > reached && probability > 0) {
      count += 1;
      probability *= (mean * ratio) / count;
      reached += probability;
    }
    return count;
  };
}

interface Cell {
  readonly draw: Draw;
  readonly ratio: number;
  readonly mode?: "abort" | "require";
  readonly kind?: "positive" | "count";
  readonly share?: (index: number) => number;
  readonly drift?: (index: number) => number;
}

function crossesIn(run: number, cell: Cell): boolean {
  const { draw, ratio, mode = "abort", kind = "positive", share = () => 0.2, drift = () => 1 } = cell;
  const plan: GuardrailPlan = {
    guardrail: { metric: "cost", direction: "lower", margin: 0.1, mode },
    kind,
    alpha: ALPHA,
    horizon: HORIZON,
    planShare: 0.2,
  };
  const prepared = prepareGuardrail(plan);
  const state = runningGuardrail(startGuardrail());
  const random = createRandom(SEED + run);
  for (let index = 0; index < HORIZON; index += 1) {
    const w = share(index);
    const g = random.next() < w ? 1 : 0;
    advanceGuardrail(prepared, state, { g, value: drift(index) * draw(random, g === 1 ? ratio : 1), w });
    if (state.test.logSup >= prepared.test.logThreshold) return true;
  }
  return false;
}

function crossingRate(cell: Cell): number {
  let crossed = 0;
  for (let run = 0; run < RUNS; run += 1) crossed += crossesIn(run, cell) ? 1 : 0;
  return crossed / RUNS;
}

const standardError = (rate: number): number => Math.sqrt((rate * (1 - rate)) / RUNS);

const ramp = (index: number): number => [0.05, 0.1, 0.25, 0.5][Math.floor((4 * index) / HORIZON)] as number;
const drift = (index: number): number => 1 + (4 * index) / HORIZON;

const BOUNDARY: (Cell & { readonly title: string })[] = [
  { title: "lognormal 0.5", draw: lognormal(0.5), ratio: 1.1 },
  { title: "lognormal 1", draw: lognormal(1), ratio: 1.1 },
  { title: "lognormal 0.5 with spikes", draw: withSpikes(lognormal(0.5)), ratio: 1.1 },
  { title: "lognormal 1 with spikes", draw: withSpikes(lognormal(1)), ratio: 1.1 },
  { title: "a ramp while costs drift", draw: lognormal(0.5), ratio: 1.1, share: ramp, drift },
  { title: "required, lognormal 0.5", draw: lognormal(0.5), ratio: 1.1, mode: "require" },
  { title: "required, with spikes", draw: withSpikes(lognormal(1)), ratio: 1.1, mode: "require" },
  { title: "required, counts near 2", draw: poisson(2), ratio: 1.1, mode: "require", kind: "count" },
  { title: "counts near 2", draw: poisson(2), ratio: 1.1, kind: "count" },
];

/** Power in an independent simulation, rounded to 0.01. */
const POWER: (Cell & { readonly title: string; readonly power: number })[] = [
  { title: "lognormal 0.5", draw: lognormal(0.5), ratio: 1.25, power: 0.99 },
  { title: "lognormal 0.5", draw: lognormal(0.5), ratio: 1.5, power: 1 },
  { title: "lognormal 0.5", draw: lognormal(0.5), ratio: 2, power: 1 },
  { title: "lognormal 1", draw: lognormal(1), ratio: 1.25, power: 0.65 },
  { title: "lognormal 1", draw: lognormal(1), ratio: 1.5, power: 1 },
  { title: "lognormal 1", draw: lognormal(1), ratio: 2, power: 1 },
];

describe(`guardrails, ${RUNS} experiments of ${HORIZON} sessions, seed ${SEED}`, () => {
  it.each(BOUNDARY)("$title, at the margin: crosses in at most alpha plus three standard errors", (cell) => {
    const rate = crossingRate(cell);
    console.info(`crosses at the margin, ${cell.title}: ${rate}`);
    expect(rate).toBeLessThanOrEqual(ALPHA + 3 * standardError(ALPHA));
  });

  it.each(POWER)("$title, ratio $ratio: found as often as expected", (cell) => {
    const rate = crossingRate(cell);
    console.info(`found, ${cell.title}, ratio ${cell.ratio}: ${rate}`);
    // Rounding of the reference to 0.01, and four standard errors of it and of this.
    const allowed = 0.005 + 4 * Math.SQRT2 * standardError(Math.min(cell.power, 0.995));
    expect(Math.abs(rate - cell.power)).toBeLessThanOrEqual(allowed);
  });
});
