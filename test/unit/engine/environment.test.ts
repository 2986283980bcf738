import { validate, version } from "uuid";
import { expect, it } from "vitest";
import { randomIds } from "../../../src/engine/environment.js";

/** The milliseconds that an id was made at. */
const timeOf = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

it("ids are unique, of version 7, and in the order of their milliseconds", () => {
  const startMs = Date.now();
  // More than are made of one page of randomness.
  const ids = Array.from({ length: 1000 }, () => randomIds.next());
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids.map((id) => id.slice(-12))).size).toBe(ids.length);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  const times = ids.map(timeOf);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect(times[0]).toBeGreaterThanOrEqual(startMs);
  expect(times.at(-1)).toBeLessThanOrEqual(Date.now());
});
