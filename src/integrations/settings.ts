/**
 * Settings of integrations, checked.
 */
import { DethroneError, received } from "../core/errors.js";

/** Longest a timer of Node's waits, in milliseconds; beyond it fires at once. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** @throws DethroneError `settings_invalid` */
export function checkMs(field: string, value: unknown): void {
  const isMs = typeof value === "number" && value > 0 && value <= TIMER_MAX_MS;
  if (!isMs) refuseSetting(field, value, `a number of milliseconds in (0, ${TIMER_MAX_MS}]`);
}

/** @throws DethroneError `settings_invalid` */
export function checkCount(field: string, value: unknown, min = 1): void {
  if (!(Number.isInteger(value) && (value as number) >= min)) {
    refuseSetting(field, value, `an integer of ${min} or more`);
  }
}

/** @throws DethroneError `settings_invalid` */
export function refuseSetting(field: string, value: unknown, allowed: string): never {
  throw new DethroneError("settings_invalid", `${field} must be ${allowed}; received ${String(value)}.`, {
    field,
    received: received(value),
    allowed,
  });
}
