/**
 * From an error to the answer that tells of it: RFC 9457, with the package's code, kind and details.
 */
import { DethroneError, type ErrorCode, type ErrorKind, isDethroneError } from "../core/errors.js";
import type { Problem } from "./contract/schemas.js";

const STATUS_BY_KIND: Record<ErrorKind, number> = {
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
  not_permitted: 403,
  throttled: 429,
  unavailable: 503,
  internal: 500,
};

/** Where HTTP says it more exactly than the kind does. */
const STATUS_BY_CODE: Partial<Record<ErrorCode, number>> = {
  key_missing: 401,
  key_rejected: 401,
  body_too_large: 413,
  content_type_invalid: 415,
  method_not_allowed: 405,
  host_refused: 421,
};

/** Seconds after which to try again, where nothing better is known. */
const RETRY_AFTER_S = 1;

/** The HTTP status of an error. */
export function statusOf({ code, kind }: DethroneError): number {
  return STATUS_BY_CODE[code] ?? STATUS_BY_KIND[kind];
}

/** What is answered of an error nobody foresaw: nothing of it that might be a secret. */
const UNFORESEEN = new DethroneError(
  "invariant_violated",
  "Something went wrong here. The server's log tells more, under the request's id.",
);

/** The error to answer with. */
export function foreseen(error: unknown): DethroneError {
  return isDethroneError(error) ? error : UNFORESEEN;
}

/** The problem document of an error. */
export function problemOf(error: DethroneError, requestId: string): Problem {
  const { code, kind, message, details } = error;
  const title = code.replaceAll("_", " ");
  const type = `urn:dethrone:error:${code}`;
  return { type, title, status: statusOf(error), detail: message, code, kind, details, requestId };
}

/** What is answered, before it is a `Response`: one is dear to make, and dearer to change. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | ReadableStream<Uint8Array> | null;
}

/** What keeps browsers from making more of an answer than it is. */
export const BASE_HEADERS = { "x-content-type-options": "nosniff" } as const;
/** Answers in JSON that are of this moment alone. */
export const JSON_HEADERS = {
  ...BASE_HEADERS,
  "content-type": "application/json",
  "cache-control": "no-store",
} as const;
/** Answers that tell of an error. */
export const PROBLEM_HEADERS = { ...JSON_HEADERS, "content-type": "application/problem+json" } as const;

/** The answer that tells of an error. */
export function failureAnswer(error: DethroneError, requestId: string): Answer {
  const status = statusOf(error);
  const { retryAfterS = RETRY_AFTER_S } = error.details;
  const isPassing = status === 429 || status === 503;
  return {
    status,
    headers: {
      ...PROBLEM_HEADERS,
      ...(isPassing && { "retry-after": String(retryAfterS) }),
      ...(status === 401 && { "www-authenticate": 'Bearer realm="dethrone"' }),
      ...(status === 405 && { allow: String(error.details.allowed).replaceAll(",", ", ") }),
    },
    body: JSON.stringify(problemOf(error, requestId)),
  };
}
