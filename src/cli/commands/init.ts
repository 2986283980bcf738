/**
 * `init` and `migrate`: the database and the configuration file.
 */
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { redacted } from "../../store/location.js";
import { withEngine } from "../open.js";
import type { CommandContext } from "./context.js";

const CONFIG_FILE = "dethrone.config.ts";

/** A URL that may hold a secret is no matter of a file that is checked in. */
function urlLine(url: string): string {
  const shown = redacted(url);
  if (shown === url) return `url: ${JSON.stringify(url)},`;
  return `// Left to DETHRONE_DB, for the URL may hold a secret.\n  // url: ${JSON.stringify(shown)},`;
}

function template(url: string): string {
  return `// Settings of the dethrone command line in this folder. Flags and the environment win over them.
import type { FileSettings } from "dethrone";

export default {
  // Where the database lies. Flag: --db, environment: DETHRONE_DB.
  ${urlLine(url)}

  // The challenger's share of sessions, in [0.01, 0.99]: larger decides sooner, smaller risks less. Or "ramp": 5, 10,
  // 25, 50 %, held while anything speaks against the challenger; or "adaptive": its chance to be better, 5 to 50 %.
  share: 0.2,

  // What differs from the default policy of 'dethrone challenge'.
  policy: {
    // Highest probability of promoting a challenger that is never better. 0.02 for loops that nobody watches.
    // alpha: 0.05,
    // Planned sessions, both arms together: the experiment holds when they are used up.
    // horizon: 2000,
    // "As good but cheaper": accept a success rate lower by up to 3 points, and require a cost at least 10 % lower.
    // minUplift: -0.03,
    // metrics: { cost_usd: { direction: "lower" } },
    // Guardrails given here take the place of the default one on errors, so it stands here too.
    // guardrails: [
    //   { metric: "error", margin: 0.02 },
    //   { metric: "cost_usd", margin: -0.1, mode: "require" },
    // ],
    // Live errors that end an experiment at once: this part of at least so many of the challenger's sessions.
    // fuse: { minSessions: 20, errorRate: 0.5 },
    // How long after its start a session accepts signals, in milliseconds.
    // windowMs: 24 * 3600 * 1000,
  },
} satisfies FileSettings;
`;
}

/** `init`: makes the database and a commented configuration file; what exists is left as it is. */
export async function init(context: CommandContext): Promise<void> {
  const path = resolve(CONFIG_FILE);
  const hadConfig = existsSync(path);
  await withEngine(context.url, { mustExist: false }, async () => undefined);
  if (!hadConfig) writeFileSync(path, template(context.url));
  const database = redacted(context.url);
  context.output.result({ database, config: CONFIG_FILE, configWritten: !hadConfig }, () =>
    [
      `Database ready: ${database}`,
      hadConfig ? `${CONFIG_FILE} exists and was left as it is.` : `Wrote ${CONFIG_FILE}.`,
      "",
      "Next: dethrone project create KEY --champion champion.json",
    ].join("\n"),
  );
}

/** `migrate`: brings the database to this version's schema, creating it if needed. */
export async function migrate(context: CommandContext): Promise<void> {
  await withEngine(context.url, { mustExist: false }, async () => {
    const database = redacted(context.url);
    context.output.result({ database, migrated: true }, () => `Up to date: ${database}`);
  });
}
