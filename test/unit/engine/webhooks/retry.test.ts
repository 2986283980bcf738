import { expect, it } from "vitest";
import { ATTEMPTS_MAX, retryAfterMs } from "../../../../src/engine/webhooks/retry.js";

const HOUR_MS = 3_600_000;

it("waits grow by three, to 12 hours", () => {
  const waits = [1, 2, 3, 9, 13].map((attempt) => retryAfterMs(attempt, 0.5));
  expect(waits).toEqual([20_000, 60_000, 180_000, 12 * HOUR_MS, 12 * HOUR_MS]);
});

it("waits differ by a quarter up or down", () => {
  expect(retryAfterMs(1, 0)).toBe(15_000);
  expect(retryAfterMs(1, 1 - 1e-9)).toBe(25_000);
});

it("the last attempt is made nearly three days after the first", () => {
  const all = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, i) => retryAfterMs(i + 1, 0.5));
  const days = all.reduce((sum, ms) => sum + ms, 0) / (24 * HOUR_MS);
  expect(days).toBeGreaterThan(2.5);
  expect(days).toBeLessThan(3);
});
