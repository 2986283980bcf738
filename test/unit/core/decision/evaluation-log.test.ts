import { describe, expect, it } from "vitest";
import {
  type LoggedRuling,
  type NewestEntry,
  placementOf,
} from "../../../../src/core/decision/evaluation-log.js";

const MINUTE_MS = 60_000;
const AT_MS = Date.UTC(2026, 0, 1, 12);

const entry = (minute: number, change: Partial<LoggedRuling> = {}): LoggedRuling => ({
  verdict: "continue",
  reason: "collecting",
  review: [],
  atMs: AT_MS + minute * MINUTE_MS,
  ...change,
});

const LAGS = { review: [{ reason: "evidence-lags", arm: 1 }] } as const;

/** What is left of entries that come one after the other. */
function kept(entries: readonly LoggedRuling[]): NewestEntry[] {
  const log: NewestEntry[] = [];
  for (const each of entries) {
    const { replaces, ...placed } = placementOf(log.at(-1) ?? null, each);
    if (replaces) log.pop();
    log.push({ ...each, ...placed });
  }
  return log;
}

const minutes = (count: number, of: (minute: number) => LoggedRuling): LoggedRuling[] =>
  Array.from({ length: count }, (_, minute) => of(minute));

describe("placementOf", () => {
  it("keeps the first entry, and then the last one of each hour", () => {
    const log = kept(minutes(180, entry));
    expect(log.map(({ atMs }) => (atMs - AT_MS) / MINUTE_MS)).toEqual([0, 59, 119, 179]);
    expect(log.map(({ isTurn }) => isTurn)).toEqual([true, false, false, false]);
  });

  it("keeps every entry that says something else than the one before it", () => {
    const log = kept(minutes(60, (minute) => entry(minute, minute >= 20 && minute < 40 ? LAGS : {})));
    expect(log.map(({ atMs, isTurn }) => [(atMs - AT_MS) / MINUTE_MS, isTurn])).toEqual([
      [0, true],
      [19, false],
      [20, true],
      [39, false],
      [40, true],
      [59, false],
    ]);
    expect(
      placementOf(
        { ...entry(0), isTurn: false, inHour: 2 },
        entry(1, { verdict: "hold", reason: "horizon" }),
      ),
    ).toEqual({ replaces: false, isTurn: true, inHour: 3 });
    const other = { review: [{ reason: "evidence-lags", arm: 2 }] } as const;
    expect(kept([entry(0, LAGS), entry(1, LAGS), entry(2, other)]).map(({ isTurn }) => isTurn)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it("keeps no more than twelve an hour of criteria that cross their limits to and fro, and the last word", () => {
    const flapping = kept(minutes(120, (minute) => entry(minute, minute % 2 === 0 ? LAGS : {})));
    expect(flapping).toHaveLength(24);
    expect(flapping.at(-1)).toMatchObject({ atMs: AT_MS + 119 * MINUTE_MS, review: [], isTurn: true });
    const settled = kept(minutes(60, (minute) => entry(minute, minute % 2 === 0 && minute < 30 ? LAGS : {})));
    expect(settled).toHaveLength(12);
    expect(settled.at(-1)).toMatchObject({ atMs: AT_MS + 59 * MINUTE_MS, isTurn: true });
  });

  it("writes at most a year of hours in a year", () => {
    const hours = kept(Array.from({ length: 500 }, (_, index) => entry(index * 7)));
    expect(hours.length).toBeLessThanOrEqual((500 * 7) / 60 + 2);
  });
});
