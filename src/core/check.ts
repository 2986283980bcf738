/**
 * Domain checks of the numeric functions: each throws `numeric_domain` and names the parameter.
 */
import { domainError } from "./errors.js";

/** Largest parameter of a Beta distribution that is accepted. */
const PARAMETER_MAX = 1e12;

// Comparisons are written so that NaN and anything that is not a number fail them.
const isNumber = (value: unknown): value is number => typeof value === "number";

/** Checks parameters of Beta distributions, given by name: each in (0, 1e12]. */
export function checkShapes(shapes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(shapes)) {
    if (!(isNumber(value) && value > 0 && value <= PARAMETER_MAX)) domainError(name, value, "in (0, 1e12]");
  }
}

/** Checks a number in [0, 1]. */
export function checkUnit(name: string, value: number): void {
  if (!(isNumber(value) && value >= 0 && value <= 1)) domainError(name, value, "in [0, 1]");
}

/** Checks a number in (least, 1), least being 0 unless given. */
export function checkInside(name: string, value: number, least: 0 | -1 = 0): void {
  if (!(isNumber(value) && value > least && value < 1)) domainError(name, value, `in (${least}, 1)`);
}

/** Checks a number in [-1, 1]. */
export function checkSigned(name: string, value: number): void {
  if (!(isNumber(value) && value >= -1 && value <= 1)) domainError(name, value, "in [-1, 1]");
}

/** Checks a finite number. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) domainError(name, value, "a finite number");
}

/** Checks a finite number above 0. */
export function checkPositive(name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) domainError(name, value, "a finite number above 0");
}

/** Checks a finite number of at least 0. */
export function checkNonNegative(name: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) domainError(name, value, "a finite number, 0 or more");
}

/** Checks an integer of at least `least`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (!(Number.isSafeInteger(value) && value >= least))
    domainError(name, value, `an integer, ${least} or more`);
}

/** Checks lists that belong together: arrays, all of the same length. */
export function checkLists(lists: Readonly<Record<string, readonly unknown[]>>): void {
  let length = -1;
  for (const [name, list] of Object.entries(lists)) {
    if (!Array.isArray(list)) domainError(name, list, "an array");
    if (length >= 0 && list.length !== length) domainError(name, list.length, `an array of length ${length}`);
    length = list.length;
  }
}
