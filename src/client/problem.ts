/**
 * Failures as the server tells of them, as the errors they were.
 */
import {
  DethroneError,
  ERROR_CODES,
  type ErrorCode,
  type ErrorKind,
  type JsonObject,
} from "../core/errors.js";

/** What a server says of a failure. */
export interface ProblemLike {
  readonly code?: unknown;
  readonly kind?: unknown;
  readonly detail?: unknown;
  readonly details?: unknown;
}

/** What stands for a code that this version does not know. */
const CODE_OF_KIND: Record<ErrorKind, ErrorCode> = {
  invalid_input: "input_invalid",
  not_found: "route_not_found",
  conflict: "state_changed",
  not_permitted: "key_rejected",
  throttled: "rate_limited",
  unavailable: "server_unavailable",
  internal: "server_unavailable",
};

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error that a problem tells of; null where the value is no problem of ours. */
export function errorOf(problem: unknown): DethroneError | null {
  if (!isObject(problem)) return null;
  const { code, kind, detail, details } = problem as ProblemLike;
  if (typeof code !== "string" || typeof detail !== "string") return null;
  const facts = isObject(details) ? (details as JsonObject) : {};
  if (ERROR_CODES.includes(code as ErrorCode)) return new DethroneError(code as ErrorCode, detail, facts);
  const known = Object.hasOwn(CODE_OF_KIND, String(kind)) ? CODE_OF_KIND[kind as ErrorKind] : null;
  return known && new DethroneError(known, detail, { ...facts, code });
}

/** The server cannot be reached, or what answers is none. */
export function serverUnavailable(message: string, details: JsonObject = {}, cause?: unknown): DethroneError {
  return new DethroneError("server_unavailable", message, details, cause === undefined ? {} : { cause });
}
