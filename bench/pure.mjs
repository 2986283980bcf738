// The pure functions of the core, each on its own.
import { decide } from "../dist/core/decision/decide.js";
import { emptyEvidence, Folding } from "../dist/core/decision/evidence.js";
import { bucketOf, createPolicy, expectedLoss, probGreater } from "../dist/core/index.js";
import { createSimulation, simulateRuns } from "../dist/core/simulation/simulate.js";
import { rate } from "./table.mjs";

const pairOf = (i) => ({ aX: 100 + (i % 50), bX: 60, aY: 90, bY: 70 });

function foldingRates() {
  const terms = { policy: createPolicy({ horizon: 1e9 }), planShares: [0.5] };
  const shares = [0.5];
  const folding = new Folding(emptyEvidence(terms), terms);
  const { evidence } = new Folding(emptyEvidence(terms), terms);
  return {
    "fold one session": rate(1, (i) => folding.add({ arm: i % 2, shares, score: i % 3 ? 1 : 0 })),
    decide: rate(1, () => decide({ ...terms, promotion: "auto", evidence, isExpired: false })),
  };
}

function simulating() {
  const simulation = createSimulation({ baseRate: 0.6, effect: 0, share: 0.2 });
  return rate(2, (i) => simulateRuns(simulation, i, i + 1));
}

export function pureBench(table) {
  console.log("Pure functions");
  const one = rate(1, (i) => probGreater(pairOf(i)));
  const rates = {
    "assignment hash": rate(1, (i) => bucketOf({ version: 2, experiment: "bench", unit: `018f-${i}` })),
    "P(better)": one,
    "P(better) and expected losses": rate(1, (i) => probGreater(pairOf(i)) + expectedLoss(pairOf(i))[0]),
    ...foldingRates(),
    "simulate one experiment": simulating(),
  };
  for (const [name, perSecond] of Object.entries(rates))
    table.add(name, perSecond, "P(better)", perSecond / one);
  console.log("");
}
