// P(X > Y) with both expected losses against 100,000 Monte Carlo draws of the same three numbers, over a grid of pairs.

import { createRandom, expectedLoss, probGreater } from "../dist/core/index.js";
import { isShort } from "./table.mjs";

const DRAWS = 100_000;

// [aX, bX, aY, bY]: shares low, middle and high, alike and unlike counts, close and far apart.
const GRID = {
  "small counts": [
    [18, 4, 12, 10],
    [2, 3, 4, 1],
    [5, 30, 9, 21],
    [3, 2, 8, 20],
    [1, 12, 2, 9],
  ],
  "typical counts": [
    [100, 60, 90, 70],
    [650, 352, 600, 402],
    [41, 11, 1601, 401],
    [30, 970, 45, 955],
    [480, 20, 455, 45],
  ],
  "counts of 1e4": [
    [5000, 5000, 4900, 5100],
    [9000, 1000, 8950, 1050],
    [100, 9900, 130, 9870],
    [9000, 1000, 1200, 300],
    [5000, 5000, 5400, 4600],
  ],
  "counts of 1e7": [
    [5e6, 5e6, 5.001e6, 4.999e6],
    [9e6, 1e6, 8.9995e6, 1.0005e6],
    [1e5, 9.9e6, 1.01e5, 9.899e6],
    [9e6, 1e6, 1200, 300],
    [5e6, 5e6, 5.02e6, 4.98e6],
  ],
};

function normalDraw(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Marsaglia and Tsang, for shapes of at least 1. */
function gammaDraw(shape, random) {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normalDraw(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

function monteCarlo([aX, bX, aY, bY], random) {
  let greater = 0;
  let lossX = 0;
  let lossY = 0;
  for (let i = 0; i < DRAWS; i += 1) {
    const [x, y] = [gammaDraw(aX, random), gammaDraw(aY, random)];
    const difference = x / (x + gammaDraw(bX, random)) - y / (y + gammaDraw(bY, random));
    if (difference > 0) {
      greater += 1;
      lossY += difference;
    } else lossX -= difference;
  }
  return [greater / DRAWS, lossX / DRAWS, lossY / DRAWS];
}

const medianOf = (times) => times.sort((p, q) => p - q)[times.length >> 1];

function medianMicroseconds(repeats, pairs, work) {
  const times = [];
  for (let i = 0; i < repeats; i += 1) {
    for (const pair of pairs) {
      const start = performance.now();
      work(pair);
      times.push(1000 * (performance.now() - start));
    }
  }
  return medianOf(times);
}

/** The median time of each group of the grid. */
export function posteriorBench(table) {
  const random = createRandom(1);
  const uniform = () => random.next();
  const exact = ([aX, bX, aY, bY]) => {
    const pair = { aX, bX, aY, bY };
    return [probGreater(pair), ...expectedLoss(pair)];
  };
  console.log(`P(better) and both expected losses, exact, against ${DRAWS} Monte Carlo draws`);
  for (const [name, all] of Object.entries(GRID)) {
    const pairs = isShort ? all.slice(0, 1) : all;
    medianMicroseconds(isShort ? 5 : 200, pairs, exact);
    const time = medianMicroseconds(isShort ? 5 : 200, pairs, exact);
    const drawn = medianMicroseconds(1, pairs, (pair) => monteCarlo(pair, uniform));
    table.add(`P(better) and losses, ${name}`, 1e6 / time, `${DRAWS} draws`, drawn / time);
  }
  console.log("");
}
