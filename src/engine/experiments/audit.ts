/**
 * Who did it, when and why; and trying again what another process was faster at.
 */
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { AuditEntry } from "../ports.js";

/** Who did it, and why. */
export interface ByHand {
  readonly reason: string;
  readonly actor?: string | undefined;
}

/** The actor of the audit log where none is named. */
export const DEFAULT_ACTOR = "library";

/** @throws DethroneError `settings_invalid` */
export function checkActor(actor: unknown): void {
  if (typeof actor === "string" && actor !== "") return;
  throw new DethroneError("settings_invalid", `actor must be a text; received ${String(actor)}.`, {
    field: "actor",
    received: received(actor),
  });
}

/** The audit entry of what a person does. @throws DethroneError `settings_invalid` without a reason */
export function auditByHand(
  context: EngineContext,
  action: string,
  byHand: ByHand,
  details: JsonObject = {},
): AuditEntry {
  const { reason, actor = DEFAULT_ACTOR } = byHand ?? {};
  checkActor(actor);
  if (typeof reason !== "string" || reason.trim() === "") {
    throw new DethroneError(
      "settings_invalid",
      `To do this by hand (${action}) takes a reason, for the audit log.`,
      {
        received: received(reason),
      },
    );
  }
  return { action, actor, reason, details, atMs: context.clock.now() };
}

const ATTEMPTS = 5;

/** Tries a change again on the state as it is then: a tick that folds meanwhile is no reason to refuse a person. */
export async function persist<T>(
  key: string,
  attempt: () => Promise<{ readonly isDone: boolean; readonly result: T }>,
): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS; tries += 1) {
    const { isDone, result } = await attempt();
    if (isDone) return result;
  }
  throw stateChanged(key);
}

function stateChanged(key: string): DethroneError {
  return new DethroneError(
    "state_changed",
    `Project '${key}' changed meanwhile; look again and repeat if still wanted.`,
    { project: key },
  );
}

/** Remembers what the first attempt was about, and refuses a later one about something else. */
export function pinned(key: string): (subject: string) => void {
  let first: string | undefined;
  return (subject) => {
    first ??= subject;
    if (first !== subject) throw stateChanged(key);
  };
}
