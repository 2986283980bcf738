/**
 * What assignment promises of its hash, on ids as they occur: buckets are equally full, shares are honoured, and which
 * arm a unit has in one experiment says nothing about its arm in another, nor about the holdout. 100,000 units, ten
 * experiments, the same on every run.
 */
import { describe, expect, it } from "vitest";
import { createRandom, type Random } from "../../../../src/core/random.js";
import { armOf, BUCKET_COUNT, bucketCountOf, bucketOf } from "../../../../src/core/sessions/assignment.js";
import { isHeldOut } from "../../../../src/core/sessions/holdout.js";

const UNIT_COUNT = 100_000;
const EXPERIMENT_COUNT = 10;
const SHARES = [0.5, 0.2];

const hex = (random: Random): string => random.uint32().toString(16).padStart(8, "0");

/** Ids as the engine makes them (UUID version 7), one each minute. */
function uuids(count: number, seed: number): string[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const time = (1_750_000_000_000 + index * 60_000).toString(16).padStart(12, "0");
    const [a, b] = [hex(random), hex(random)];
    return `${time.slice(0, 8)}-${time.slice(8)}-7${a.slice(0, 3)}-a${a.slice(3, 6)}-${b}${hex(random).slice(4)}`;
  });
}

function emails(count: number): string[] {
  const random = createRandom(3);
  const pick = (items: readonly string[]) => items[random.uint32() % items.length] as string;
  const names = [
    "ana",
    "bo",
    "chen",
    "dmitri",
    "elif",
    "farid",
    "greta",
    "hana",
    "ivo",
    "josé",
    "kim",
    "lea",
  ];
  const domains = ["example.com", "mail.example.org", "firma.example", "例え.example"];
  const found = new Set<string>();
  while (found.size < count)
    found.add(`${pick(names)}.${pick(names)}${random.uint32() % 10_000}@${pick(domains)}`);
  return [...found];
}

const sequential = (count: number): string[] => Array.from({ length: count }, (_, index) => `user:${index}`);
const similar = (count: number): string[] => Array.from({ length: count }, (_, index) => `exp_${index}`);

const UNITS = {
  "sequential ids": sequential(UNIT_COUNT),
  uuids: uuids(UNIT_COUNT, 1),
  emails: emails(UNIT_COUNT),
};
const EXPERIMENTS = { uuids: uuids(EXPERIMENT_COUNT, 2), "near-identical ids": similar(EXPERIMENT_COUNT) };

/** Answers about the units, 1 for yes. */
type Answers = Uint8Array;

/** Answers and buckets in loops without callbacks: there are millions of them. */
function below(buckets: Uint16Array, share: number): Answers {
  const end = share * BUCKET_COUNT;
  const answers = new Uint8Array(buckets.length);
  for (let index = 0; index < buckets.length; index++)
    answers[index] = (buckets[index] as number) < end ? 1 : 0;
  return answers;
}

function bucketsOf(version: 1 | 2, experiment: string, units: readonly string[]): Uint16Array {
  const buckets = new Uint16Array(units.length);
  for (let index = 0; index < units.length; index++)
    buckets[index] = bucketOf({ version, experiment, unit: units[index] as string });
  return buckets;
}

/** Chi-square, one degree of freedom, of the table of two questions about each unit. */
function chiSquareOf(one: Answers, other: Answers): number {
  let ones = 0;
  let others = 0;
  let both = 0;
  for (let index = 0; index < one.length; index++) {
    ones += one[index] as number;
    others += other[index] as number;
    both += (one[index] as number) & (other[index] as number);
  }
  const count = one.length;
  const excess = both * count - ones * others;
  return (count * excess ** 2) / (ones * (count - ones) * others * (count - others));
}

const pairwise = (arms: readonly Answers[]): number[] =>
  arms.flatMap((one, index) => arms.slice(index + 1).map((other) => chiSquareOf(one, other)));

const PAIR_COUNT = (EXPERIMENT_COUNT * (EXPERIMENT_COUNT - 1)) / 2;

// What chi-square exceeds with probability 0.001 in any of the tests of its sort (Bonferroni), by scipy. Tables of two
// experiments: 45 pairs, two shares, six kinds of ids: chi2.isf(0.001 / 540, 1). Hundredths of the buckets: ten
// experiments, six kinds of ids: chi2.isf(0.001 / 60, 99).
const TABLE_LIMIT = 22.742919;
const UNIFORM_LIMIT = 168.488246;

function uniformity(buckets: Uint16Array): number {
  const counts = new Array<number>(100).fill(0);
  for (const bucket of buckets) counts[Math.floor(bucket / 100)]! += 1;
  const expected = buckets.length / 100;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** How far the units of an arm are from its share, in standard errors. */
const errorsOff = (count: number, share: number): number =>
  Math.abs(count - UNIT_COUNT * share) / Math.sqrt(UNIT_COUNT * share * (1 - share));

/** Units by arm: the champion has what the challengers leave. */
function served(buckets: Uint16Array, shares: readonly number[]): number[] {
  const challengers = shares.map((share, index) => ({
    role: "challenger" as const,
    bucketCount: bucketCountOf(share),
    index,
  }));
  const arms = [{ role: "champion" as const, bucketCount: 0, index: shares.length }, ...challengers];
  const counts = arms.map(() => 0);
  for (const bucket of buckets) counts[armOf(bucket, arms).index]! += 1;
  return counts;
}

describe.each(Object.keys(UNITS) as (keyof typeof UNITS)[])("units by %s", (kind) => {
  const units = UNITS[kind];
  const holdouts = SHARES.map((share) => {
    const bucketCount = bucketCountOf(share);
    return Uint8Array.from(units, (unit) =>
      isHeldOut({ version: 2, project: "checkout", unit, bucketCount }) ? 1 : 0,
    );
  });

  it("the holdout has its share", () => {
    for (const [index, share] of SHARES.entries()) {
      const count = (holdouts[index] as Answers).reduce((sum, each) => sum + each, 0);
      expect(errorsOff(count, share)).toBeLessThan(4);
    }
  });

  describe.each(Object.keys(EXPERIMENTS) as (keyof typeof EXPERIMENTS)[])("experiments by %s", (ids) => {
    const buckets = EXPERIMENTS[ids].map((experiment) => bucketsOf(2, experiment, units));
    const arms = new Map(SHARES.map((share) => [share, buckets.map((each) => below(each, share))]));
    const armsAt = (share: number): readonly Answers[] => arms.get(share) as Answers[];

    it("every hundredth of the buckets is equally full", () => {
      for (const each of buckets) expect(uniformity(each)).toBeLessThan(UNIFORM_LIMIT);
    });

    it.each(SHARES)("the arms of no two experiments depend on each other at share %s", (share) => {
      const found = pairwise(armsAt(share));
      expect(found).toHaveLength(PAIR_COUNT);
      expect(Math.max(...found)).toBeLessThan(TABLE_LIMIT);
      // A little in every pair would show in the mean, which is 1 of independent arms.
      const mean = found.reduce((sum, each) => sum + each, 0) / PAIR_COUNT;
      expect(Math.abs(mean - 1)).toBeLessThan(4 * Math.sqrt(2 / PAIR_COUNT));
    });

    it.each([[0.01], [0.2], [0.5], [0.99], [0.05, 0.25, 0.3]])("shares are honoured: %s", (...shares) => {
      const counts = served(buckets[0] as Uint16Array, shares);
      for (const [index, share] of shares.entries())
        expect(errorsOff(counts[index] as number, share)).toBeLessThan(4);
    });

    it.each(SHARES)("the holdout says nothing about the arms at share %s", (share) => {
      for (const heldOut of holdouts) {
        for (const each of armsAt(share)) expect(chiSquareOf(heldOut, each)).toBeLessThan(TABLE_LIMIT);
      }
    });
  });
});

describe("version 1, which version 2 is there to replace", () => {
  const units = sequential(10_000);
  const experiments = similar(20);
  const worst = (version: 1 | 2, share: number) => {
    const found = pairwise(
      experiments.map((experiment) => below(bucketsOf(version, experiment, units), share)),
    );
    return {
      dependent: found.filter((each) => each > TABLE_LIMIT).length,
      // Of two yes-or-no answers: the root of chi-square over the units.
      correlation: Math.sqrt(Math.max(...found) / units.length),
    };
  };

  it("makes the arms of some experiments of similar ids depend on each other, by up to 0.38", () => {
    expect(worst(1, 0.5)).toEqual({ dependent: 24, correlation: expect.closeTo(0.381, 3) });
    expect(worst(1, 0.2)).toEqual({ dependent: 4, correlation: expect.closeTo(0.146, 3) });
  });

  it("while version 2 does for none of them", () => {
    expect(worst(2, 0.5)).toEqual({ dependent: 0, correlation: expect.closeTo(0.039, 3) });
    expect(worst(2, 0.2)).toEqual({ dependent: 0, correlation: expect.closeTo(0.029, 3) });
  });
});
