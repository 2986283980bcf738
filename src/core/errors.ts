/**
 * The one error class of the package. Branch on `code`, print `message`, never parse it.
 *
 * A code belongs to a kind; the kind gives the HTTP status and the exit code of the command line. Codes are only
 * ever added.
 */

/** What sort of failure it is, which decides whether a retry makes sense. */
export type ErrorKind =
  | "invalid_input"
  | "not_found"
  | "conflict"
  | "not_permitted"
  | "throttled"
  | "unavailable"
  | "internal";

const KIND_BY_CODE = {
  usage_invalid: "invalid_input",
  settings_invalid: "invalid_input",
  config_invalid: "invalid_input",
  config_secret: "invalid_input",
  privacy_refused: "invalid_input",
  policy_invalid: "invalid_input",
  audience_invalid: "invalid_input",
  share_out_of_range: "invalid_input",
  score_out_of_range: "invalid_input",
  signal_invalid: "invalid_input",
  input_invalid: "invalid_input",
  confirmation_missing: "invalid_input",
  numeric_domain: "invalid_input",
  database_invalid: "invalid_input",
  webhook_url_refused: "invalid_input",
  export_invalid: "invalid_input",
  mapping_invalid: "invalid_input",
  body_too_large: "invalid_input",
  content_type_invalid: "invalid_input",
  method_not_allowed: "invalid_input",
  not_supported_here: "invalid_input",
  project_not_found: "not_found",
  experiment_not_found: "not_found",
  session_not_found: "not_found",
  decision_not_found: "not_found",
  config_not_found: "not_found",
  arm_not_found: "not_found",
  study_not_found: "not_found",
  database_not_found: "not_found",
  key_not_found: "not_found",
  webhook_not_found: "not_found",
  delivery_not_found: "not_found",
  route_not_found: "not_found",
  transition_illegal: "conflict",
  experiment_overlap: "conflict",
  project_exists: "conflict",
  study_exists: "conflict",
  tag_conflict: "conflict",
  label_taken: "conflict",
  arm_in_use: "conflict",
  champion_differs: "conflict",
  budget_spent: "conflict",
  idempotency_mismatch: "conflict",
  file_exists: "conflict",
  state_changed: "conflict",
  database_differs: "conflict",
  request_in_progress: "conflict",
  key_missing: "not_permitted",
  key_rejected: "not_permitted",
  scope_missing: "not_permitted",
  host_refused: "not_permitted",
  csrf_rejected: "not_permitted",
  queue_full: "throttled",
  rate_limited: "throttled",
  storage_busy: "unavailable",
  storage_unavailable: "unavailable",
  schema_newer: "unavailable",
  export_newer: "unavailable",
  engine_closed: "unavailable",
  server_unavailable: "unavailable",
  peer_missing: "unavailable",
  git_unavailable: "unavailable",
  decision_mismatch: "internal",
  doctor_found_problems: "internal",
  stored_data_invalid: "internal",
  invariant_violated: "internal",
} as const satisfies Record<string, ErrorKind>;

/** Stable, documented identifier of one failure. Never renamed, only added. */
export type ErrorCode = keyof typeof KIND_BY_CODE;

/** All error codes, for documentation and tests. */
export const ERROR_CODES = Object.keys(KIND_BY_CODE) as readonly ErrorCode[];

const EXIT_CODE_BY_KIND: Record<ErrorKind, number> = {
  invalid_input: 2,
  not_found: 3,
  conflict: 4,
  not_permitted: 5,
  throttled: 6,
  unavailable: 6,
  internal: 70,
};

/** A JSON value, as `details` and configs are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

// A registered symbol instead of instanceof: two copies of the package in one process still recognise each other.
const BRAND = Symbol.for("dethrone.error");

/**
 * Every failure the package reports.
 *
 * @example
 * const error = new DethroneError("project_not_found", "No project 'x'.", { received: "x" });
 * error.kind; // "not_found"
 * error.exitCode; // 3
 */
export class DethroneError extends Error {
  override readonly name = "DethroneError";
  readonly code: ErrorCode;
  /** JSON-safe facts: what was received, what is allowed, what to do. */
  readonly details: JsonObject;

  constructor(code: ErrorCode, message: string, details: JsonObject = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
    Object.defineProperty(this, BRAND, { value: true });
  }

  get kind(): ErrorKind {
    return KIND_BY_CODE[this.code];
  }

  /** Exit code of the command line for this failure. */
  get exitCode(): number {
    return EXIT_CODE_BY_KIND[this.kind];
  }

  /** The machine-readable form, as the command line prints it with `--json`. */
  toJSON(): JsonObject {
    return { code: this.code, kind: this.kind, message: this.message, details: this.details };
  }
}

/** Whether a thrown value is a {@link DethroneError}, of this or another copy of the package. */
export function isDethroneError(value: unknown): value is DethroneError {
  return typeof value === "object" && value !== null && BRAND in value;
}

/**
 * A value as it can stand in `details`: JSON turns NaN and the infinities into null, which hides what was received.
 */
export function received(value: unknown): Json {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value === undefined) return "undefined";
  try {
    return JSON.parse(JSON.stringify(value)) as Json;
  } catch {
    return `(${typeof value})`;
  }
}

/** Throws `numeric_domain` naming the parameter, the value and what is allowed. */
export function domainError(parameter: string, value: unknown, allowed: string): never {
  throw new DethroneError("numeric_domain", `${parameter} must be ${allowed}; received ${String(value)}.`, {
    parameter,
    received: received(value),
    allowed,
  });
}
