/**
 * The default policy finds better challengers as often as an independent simulation of it did.
 *
 * Both simulations have sampling errors; the other was of 1,200 to 10,000 experiments a cell, taken as 2,000 here, and
 * looked for futility every five sessions, this one after each.
 */
import { afterAll, describe, expect, it } from "vitest";
import { standardErrorOf } from "../../src/core/simulation/simulation-summary.js";
import { isFull, printTable, SEED, simulated } from "../support/calibration.js";

const RUNS = isFull ? 4000 : 200;
const KNOWN_RUNS = 2000;

type Cell = readonly [
  horizon: number,
  baseRate: number,
  effect: number,
  share: number,
  power: number,
  sessions: number,
];

const SHORT: Cell[] = [
  [500, 0.3, 0.05, 0.2, 0.18, 271],
  [500, 0.6, 0.1, 0.05, 0.18, 251],
  [500, 0.6, 0.1, 0.2, 0.47, 295],
  [500, 0.8, 0.1, 0.2, 0.66, 287],
  [500, 0.8, 0.1, 0.5, 0.85, 267],
  [500, 0.9, 0.05, 0.5, 0.55, 309],
];

const LONG: Cell[] = [
  [500, 0.3, 0.1, 0.5, 0.65, 296],
  [500, 0.6, 0.05, 0.5, 0.24, 275],
  [500, 0.9, 0.09, 0.1, 0.75, 363],
  [2000, 0.3, 0.05, 0.05, 0.2, 1125],
  [2000, 0.3, 0.05, 0.5, 0.66, 1157],
  [2000, 0.3, 0.1, 0.2, 0.93, 893],
  [2000, 0.6, 0.02, 0.2, 0.14, 997],
  [2000, 0.6, 0.05, 0.05, 0.2, 1063],
  [2000, 0.6, 0.05, 0.2, 0.47, 1187],
  [2000, 0.6, 0.05, 0.5, 0.64, 1151],
  [2000, 0.6, 0.1, 0.05, 0.53, 1198],
  [2000, 0.6, 0.1, 0.2, 0.94, 899],
  [2000, 0.6, 0.1, 0.5, 0.98, 677],
  [2000, 0.8, 0.05, 0.05, 0.26, 1068],
  [2000, 0.8, 0.05, 0.2, 0.64, 1186],
  [2000, 0.8, 0.05, 0.5, 0.8, 1090],
  [2000, 0.8, 0.1, 0.05, 0.75, 1154],
  [2000, 0.8, 0.1, 0.2, 0.99, 649],
  [2000, 0.9, 0.05, 0.2, 0.91, 1019],
  [2000, 0.9, 0.05, 0.5, 0.98, 796],
];

describe(`power of the default policy, ${RUNS} experiments a cell, seed ${SEED}`, () => {
  const rows: string[][] = [];

  it.each(isFull ? [...SHORT, ...LONG] : SHORT)(
    "horizon %d, rate %d, effect %d, share %d: promotes in %d, after %d sessions",
    async (horizon, baseRate, effect, share, power, sessions) => {
      const summary = await simulated({ baseRate, effect, share, policy: { horizon } }, RUNS);
      const { promoted, sessionsMean, standardErrors } = summary;
      rows.push([
        ...[horizon, baseRate, effect, share].map(String),
        `${promoted.toFixed(3)} ± ${standardErrors.promoted.toFixed(3)}`,
        power.toFixed(2),
        `${sessionsMean.toFixed(0)} ± ${standardErrors.sessionsMean.toFixed(0)}`,
        String(sessions),
      ]);
      // Half a unit of the last digit the other is given to.
      const error = Math.hypot(standardErrorOf(power, RUNS), standardErrorOf(power, KNOWN_RUNS));
      expect(Math.abs(promoted - power)).toBeLessThan(4 * error + 0.005);
      const spread = standardErrors.sessionsMean * Math.sqrt(1 + RUNS / KNOWN_RUNS);
      expect(Math.abs(sessionsMean - sessions)).toBeLessThan(4 * spread + 0.5 + 5);
    },
  );

  afterAll(() => {
    const header = ["horizon", "rate", "effect", "share", "power", "reference", "sessions", "reference"];
    printTable("Power of the default policy", header, rows);
  });
});
