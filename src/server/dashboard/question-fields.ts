/**
 * The numbers that both simulations and plans ask for.
 */
import type { NumberField } from "./number-form.js";

/** What the champion is taken to be. */
export const BASE_RATE = {
  name: "baseRate",
  label: "Champion's success rate",
  value: 0.6,
  min: 0,
  max: 1,
  step: "any",
  note: "0 to 1",
} as const satisfies NumberField;

/** The challenger's part of the sessions. */
export const SHARE = {
  name: "share",
  label: "Challenger's share",
  value: 0.2,
  min: 0.01,
  max: 0.99,
  step: "any",
  note: "0.01 to 0.99",
} as const satisfies NumberField;

/** How often a challenger that is no better may be promoted. */
export const LEVEL = {
  name: "alpha",
  label: "Level",
  value: 0.05,
  min: 0.001,
  max: 0.5,
  step: "any",
  note: "false promotions at most",
} as const satisfies NumberField;

/** What the simulation draws by. */
export const SEED = {
  name: "seed",
  label: "Seed",
  value: 1,
  min: 0,
  max: 2 ** 31,
  step: 1,
  note: "same seed, same numbers",
} as const satisfies NumberField;
