import type { PolicyInput } from "./core/policy.js";

/** What `dethrone.config.ts`, the settings of the command line, may say. */
export interface FileSettings {
  /** the database */
  readonly url?: string;
  /** the challenger's share of `dethrone challenge` */
  readonly share?: number;
  /** what differs from the default policy of `dethrone challenge` */
  readonly policy?: PolicyInput;
}
