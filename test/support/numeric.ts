/** Reading tables of reference values, and comparing with them. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";

/** One reference value: a function's name, its argument, what it returns and to what relative error. */
export interface NumericCase {
  readonly fn: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly expected: number | readonly number[];
  readonly relTol: number;
}

/** The cases of a table. */
export function readCases(url: URL): readonly NumericCase[] {
  return (JSON.parse(readFileSync(url, "utf8")) as { cases: NumericCase[] }).cases;
}

/** The cases of one of our own tables. */
export function fixture(name: string): readonly NumericCase[] {
  return readCases(new URL(`../fixtures/numeric/${name}.json`, import.meta.url));
}

const LOGARITHMS = new Set(["eProcess", "srmSequentialLogE"]);
const INTERVALS = /Interval|Hdi|Sequence$/;

/** What an error is measured against: |expected|, the width of an interval, or at least 1 for a logarithm. */
function scaleOf(fn: string, expected: readonly number[], value: number): number {
  if (LOGARITHMS.has(fn)) return Math.max(1, Math.abs(value));
  const width = INTERVALS.test(fn) ? Math.abs((expected[1] as number) - (expected[0] as number)) : 0;
  return Math.max(Math.abs(value), width);
}

/** Compares a value with a reference, number by number. */
export function expectCase(
  { fn, input, expected, relTol }: NumericCase,
  got: number | readonly number[],
): void {
  const values = [got].flat();
  const references = [expected].flat();
  expect(values.length).toBe(references.length);
  references.forEach((reference, index) => {
    const error = Math.abs((values[index] as number) - reference);
    // A double cannot be nearer than its last place.
    const allowed =
      Math.max(relTol, 4.5e-16) * scaleOf(fn, references, reference) + (LOGARITHMS.has(fn) ? 1e-10 : 0);
    const what = `${fn} ${JSON.stringify(input).slice(0, 200)}: ${values[index]}, expected ${reference}`;
    expect(error, what).toBeLessThanOrEqual(allowed);
  });
}

/** Compares a value with what it should be, relative to that. */
export function expectNear(got: number, expected: number, tolerance: number): void {
  expect(Math.abs(got - expected), `${got} against ${expected}`).toBeLessThanOrEqual(
    tolerance * Math.abs(expected),
  );
}
