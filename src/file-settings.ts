import type { PolicyInput } from "./core/decision/policy.js";
import type { ShareRuleInput } from "./core/decision/share-rule.js";

/** What `dethrone.config.ts`, the settings of the command line, may say. */
export interface FileSettings {
  /** the database; a token goes into `$DETHRONE_AUTH_TOKEN`, never here */
  readonly url?: string;
  /** the challenger's share of `dethrone challenge`: in [0.01, 0.99], `ramp` or `adaptive` */
  readonly share?: ShareRuleInput;
  /** what differs from the default policy of `dethrone challenge` */
  readonly policy?: PolicyInput;
}
