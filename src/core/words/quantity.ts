/**
 * Values of metrics as people read them: by magnitude, and by what the metric's name says of its unit.
 */
import type { MetricKind } from "../sequential/guardrail.js";
import { count, percent, signedPoints } from "./numbers.js";

const LARGE = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** A number to three digits, without trailing zeros: "0.0132", "41.3", "1.3 k", "2.05 M". */
export function magnitude(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  // Where rounding to three digits reaches the next unit, it is told in that unit.
  const [unit, letter] = LARGE.find(([least]) => size >= least * 0.9995) ?? [1, ""];
  if (size >= 1e15) return value.toExponential(2);
  const rounded = Number((value / unit).toPrecision(3));
  return letter === "" ? String(rounded) : `${rounded} ${letter}`;
}

const TIMES = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

function milliseconds(ms: number): string {
  const [unit, name] = TIMES.find(([least]) => Math.abs(ms) >= least * 0.9995) ?? [1, "ms"];
  return `${Number((ms / unit).toPrecision(3))} ${name}`;
}

/** What of a metric says how its values are written. */
export interface Named {
  readonly name: string;
  readonly kind: MetricKind;
}

/** A metric's value: a rate as a percentage, a name that ends in `_ms` as a time, anything else by magnitude. */
export function quantity(value: number, { name, kind }: Named): string {
  if (!Number.isFinite(value)) return "-";
  if (kind === "binary") return percent(value);
  return name.endsWith("_ms") ? milliseconds(value) : magnitude(value);
}

/** A ratio less 1 with its sign: "-18.0 %", "+2.5 %"; "+4.2x" means 5.2 times as much. */
export function signedPercent(ratio: number): string {
  if (!Number.isFinite(ratio)) return "-";
  const sign = ratio > 0 ? "+" : "";
  return ratio >= 9.995 ? `${sign}${magnitude(ratio)}x` : `${sign}${percent(ratio)}`;
}

/** A difference of two values of a metric with its sign. */
export function signedQuantity(difference: number, named: Named): string {
  if (named.kind === "binary") return signedPoints(difference);
  return `${difference > 0 ? "+" : ""}${quantity(difference, named)}`;
}

/** Days in the unit that fits: "40 min", "5 h", "6 days", "3 years". */
export function days(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value >= 730) return `${count(Math.round(value / 365))} years`;
  if (value >= 9.95) return `${count(Math.round(value))} days`;
  if (value >= 1.95) return `${Number(value.toFixed(1))} days`;
  const minutes = value * 1440;
  return minutes >= 99.5 ? `${Math.round(value * 24)} h` : `${Math.ceil(minutes)} min`;
}
