import type { Output } from "../output.js";
import type { FileSettings } from "../settings.js";

/** What every command gets. */
export interface CommandContext {
  /** the database */
  readonly url: string;
  readonly file: FileSettings;
  readonly output: Output;
}
