/**
 * How a session is to start, as its host says it.
 */
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import { partNotJson } from "../configs/config.js";
import { assertPrivate, type PrivacyGuard } from "../configs/privacy.js";

/** A session that others may be a part of: a `Session`, or what `fromBaggage` has read. */
export interface SessionParent {
  readonly id: string;
  /** key of its project */
  readonly project: string;
  /** id of the session it all began with; null, or its own id, where it began there */
  readonly root: string | null;
}

/** How a session is to start. */
export interface SessionOptions {
  /** the session's own id; a stored one is resumed, with the config it started with */
  readonly id?: string | undefined;
  /** what is randomised (a user, repository, conversation); default: the session itself */
  readonly unit?: string | undefined;
  /** attributes of the session, kept for breakdowns */
  readonly context?: object | undefined;
  /**
   * the session this one is a part of; default: the one this code runs in, until that has ended; null: none. A parent of
   * the same project is joined, unless an id or another unit is given: its own session is used, and nothing is recorded
   * of a second one. Under a parent of another project a session starts that shares in the scores of its root.
   */
  readonly parent?: SessionParent | null | undefined;
  /**
   * whether to wait until the start is on disk, as with a unit or an id, or the engine's patience has run out; default
   * false: it is queued before the session is handed out
   */
  readonly durable?: boolean | undefined;
  /** id of the host's request, told to the exposure sinks */
  readonly requestId?: string | undefined;
}

const ID_LENGTH_MAX = 200;

const isId = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= ID_LENGTH_MAX;

function fail(field: string, value: unknown, message: string): never {
  throw new DethroneError("input_invalid", message, { field, received: received(value) });
}

function checkId(field: string, value: unknown): void {
  if (isId(value)) return;
  const message = `A session's ${field} must be a text of 1 to ${ID_LENGTH_MAX} characters; received ${String(value)}.`;
  fail(field, value, message);
}

function checkContext(context: unknown): void {
  const isObject = typeof context === "object" && context !== null && !Array.isArray(context);
  const offender = isObject ? partNotJson(context) : "it is no object";
  if (offender !== null)
    fail("context", offender, `A session's context must be a plain JSON object: ${offender}.`);
}

function checkParent(parent: unknown): void {
  const { id, project, root } = Object(parent) as Record<string, unknown>;
  if (isId(id) && isId(project) && (root === null || isId(root))) return;
  fail("parent", parent, "A session's parent must be a session, { id, project, root }, or null.");
}

/** @throws DethroneError `input_invalid`; `privacy_refused` where the guard refuses the context */
export function checkSessionOptions(options: SessionOptions, guard: PrivacyGuard | null): void {
  if (typeof options !== "object" || options === null) {
    throw new DethroneError("input_invalid", "A session's options must be an object.", {
      received: received(options),
    });
  }
  const { id, unit, context, parent, requestId } = options;
  if (id !== undefined) checkId("id", id);
  if (unit !== undefined) checkId("unit", unit);
  if (requestId !== undefined) checkId("requestId", requestId);
  if (context !== undefined) {
    checkContext(context);
    assertPrivate(guard, "context", context as JsonObject);
  }
  if (parent !== undefined && parent !== null) checkParent(parent);
}
