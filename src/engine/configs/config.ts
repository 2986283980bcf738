/**
 * A config's identity: the SHA-256 of its canonical JSON (RFC 8785).
 */
import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { frozenPolicy, type Policy } from "../../core/decision/policy.js";
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";
import type { NewConfig } from "../ports.js";

const DEPTH_MAX = 100;

/** Path of the first part of a value that is not JSON, or null. Cycles end at the depth limit. */
function notJson(value: unknown, path: string, depth: number): string | null {
  if (depth > DEPTH_MAX) return `${path} (deeper than ${DEPTH_MAX} levels, or a cycle)`;
  if (value === null || typeof value === "string" || typeof value === "boolean") return null;
  if (typeof value === "number") return Number.isFinite(value) ? null : `${path} (${value})`;
  if (typeof value !== "object") return `${path} (${typeof value})`;
  if (Array.isArray(value)) return firstNotJson(value.entries(), path, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path} (${value.constructor.name})`;
  return firstNotJson(Object.entries(value), path, depth);
}

/** Path of the first part of an object that is not plain JSON, or null. */
export function partNotJson(value: object): string | null {
  return notJson(value, "", 0);
}

function firstNotJson(
  entries: Iterable<[string | number, unknown]>,
  path: string,
  depth: number,
): string | null {
  for (const [key, value] of entries) {
    const offender = notJson(value, path === "" ? String(key) : `${path}.${key}`, depth + 1);
    if (offender !== null) return offender;
  }
  return null;
}

/** SHA-256, in hexadecimal, of the canonical JSON of a value. */
function hashOf(value: Json): string {
  return createHash("sha256")
    .update(canonicalize(value) as string)
    .digest("hex");
}

/** The hash of what stays frozen of a policy while its experiment runs. */
export function policyHashOf(policy: Policy): string {
  return hashOf(frozenPolicy(policy));
}

/**
 * A config with its identity, as a copy of its own.
 *
 * @param value any JSON object: no functions, dates, undefined, NaN or cycles
 * @throws DethroneError `config_invalid` naming the part that is not JSON
 * @example
 * identifyConfig({ b: 1, a: 2 }).hash === identifyConfig({ a: 2, b: 1 }).hash; // true
 */
export function identifyConfig(value: unknown): NewConfig {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new DethroneError(
      "config_invalid",
      `A config must be a JSON object; received ${describe(value)}.`,
      {
        received: received(value),
        allowed: "a JSON object",
      },
    );
  }
  const offender = partNotJson(value);
  if (offender !== null) {
    throw new DethroneError("config_invalid", `A config must be plain JSON; this part is not: ${offender}.`, {
      received: offender,
      allowed: "objects, arrays, strings, finite numbers, booleans and null",
    });
  }
  const body = JSON.parse(JSON.stringify(value)) as JsonObject;
  return { hash: hashOf(body), body };
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return value === null ? "null" : `${typeof value} ${String(value)}`.trim();
}
