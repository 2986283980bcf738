/**
 * Settings of a host, checked.
 */
import { DethroneError, received } from "../core/errors.js";
import type { ExposureSink } from "./sessions/exposures.js";

/** A number of milliseconds above 0. @throws DethroneError `settings_invalid` */
export function positive(name: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value > 0 && value <= 2 ** 31 - 1) return value;
  throw new DethroneError(
    "settings_invalid",
    `${name} must be a number of milliseconds above 0; received ${String(value)}.`,
    {
      field: name,
      received: received(value),
    },
  );
}

/** A function, or undefined. @throws DethroneError `settings_invalid` */
export function checkedFunction<T>(field: string, value: T): T {
  if (value === undefined || typeof value === "function") return value;
  throw new DethroneError("settings_invalid", `${field} must be a function; received ${String(value)}.`, {
    field,
    received: received(value),
  });
}

/** A list of sinks; none by default. @throws DethroneError `settings_invalid` */
export function checkedSinks(sinks: unknown): readonly ExposureSink[] {
  if (sinks === undefined) return [];
  const isSink = (sink: unknown): boolean => typeof Object(sink).expose === "function";
  if (Array.isArray(sinks) && sinks.every(isSink)) return sinks;
  throw new DethroneError(
    "settings_invalid",
    "exposures must be a list of sinks, each with expose(exposure).",
    {
      field: "exposures",
      received: received(sinks),
    },
  );
}
