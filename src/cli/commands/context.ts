import { DethroneError } from "../../core/errors.js";
import type { Output } from "../output.js";
import type { FileSettings } from "../settings.js";

/** What every command gets. */
export interface CommandContext {
  /** the database */
  readonly url: string;
  readonly file: FileSettings;
  readonly output: Output;
  /** who does it, for the audit log */
  readonly actor: string;
}

/** Who does it, and why. */
export interface ReasonFlags {
  readonly reason: string;
}

/** @throws DethroneError `usage_invalid`: what would do nothing is no command */
export function requireChanges(changes: object, allowed: string): void {
  if (Object.keys(changes).length > 0) return;
  throw new DethroneError("usage_invalid", `Nothing to change was given: ${allowed}.`, { allowed });
}
