// What every part of the benchmark shares: rates taken in turn, percentiles, and the one table they end up in.

// The short form, for the tests: everything runs, and no figure means anything.
export const isShort = process.env.BENCH === "short";

export const median = (values) =>
  percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];

/** Operations per second of a synchronous function of a running number. */
export function rate(seconds, work) {
  const end = performance.now() + (isShort ? 1 : 1000 * seconds);
  let done = 0;
  const start = performance.now();
  while (performance.now() < end) {
    for (let i = 0; i < 100; i += 1) work(done + i);
    done += 100;
  }
  return done / ((performance.now() - start) / 1000);
}

async function asyncRate(seconds, work) {
  const end = performance.now() + (isShort ? 1 : 1000 * seconds);
  let done = 0;
  const start = performance.now();
  while (performance.now() < end) {
    for (let i = 0; i < 100; i += 1) await work(done + i);
    done += 100;
  }
  return done / ((performance.now() - start) / 1000);
}

/**
 * Rates of several contenders, one after the other in each round: the machine's mood is then everyone's. The first round
 * warms up. `contenders` are [name, function, isAsync]; gives the rates of the rounds by name.
 */
export async function interleaved(contenders, { rounds = 5, seconds = 0.25 } = {}) {
  const rates = new Map(contenders.map(([name]) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, work, isAsync] of contenders) {
      const perSecond = isAsync ? await asyncRate(seconds, work) : rate(seconds, work);
      if (round > 0) rates.get(name).push(perSecond);
    }
  }
  return rates;
}

/** The median over the rounds of one rate by another of the same round. */
export const ratioOf = (rates, references) => median(rates.map((each, round) => each / references[round]));

const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3).replace(/\.?0+$/, "");

/** Rows of `ratio` times the speed of a reference; where there is a target, the ratio is to reach it. */
export class Table {
  rows = [];
  /** what could not be measured, and why */
  skipped = [];

  add(name, opsPerSecond, reference, ratio, target) {
    const isMet = target === undefined ? {} : { target, isMet: ratio >= target };
    const row = { name, opsPerSecond, reference, ratio, ...isMet };
    this.rows.push(row);
    const verdict =
      target === undefined ? "" : `  target ${number(target)}: ${isMet.isMet ? "met" : "MISSED"}`;
    console.log(
      `  ${name.padEnd(44)} ${number(opsPerSecond).padStart(12)}/s ${number(ratio).padStart(9)} x ${reference}${verdict}`,
    );
    return row;
  }

  /** A time that has a limit; the ratio is how many times it fits. */
  addLimit(name, ms, limitMs) {
    this.add(name, 1000 / ms, `limit of ${limitMs} ms`, limitMs / ms, 1);
  }

  skip(what) {
    this.skipped.push(what);
    console.log(`  skipped: ${what}`);
  }
}

/** A module of a peer; null where the peers are not installed. */
export async function peer(table, name) {
  try {
    return await import(name);
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    table.skip(`${name} is not installed: npm --prefix bench ci`);
    return null;
  }
}
