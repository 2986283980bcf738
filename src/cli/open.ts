/**
 * Opens the engine for a command: strict, on the database the settings name, closed at the end whatever happens.
 */
import { Engine } from "../engine/engine.js";
import { randomIds, silentLogger, systemClock } from "../engine/environment.js";
import type { Store } from "../engine/ports.js";
import { locate } from "../store/location.js";
import { Spool } from "../store/spool/spool.js";
import { openSqlStore } from "../store/store.js";
import { VERSION } from "../version.js";

/** The actor of the audit log for what the command line does. */
export const CLI_ACTOR = "cli";

/** An open engine and the store under it. */
export interface Opened {
  readonly engine: Engine;
  readonly store: Store;
}

/**
 * Runs a command on an open engine.
 *
 * @param mustExist reject a database that is not there (`database_not_found`), instead of creating it
 * @param takesSpool store what agents that are gone have left beside the database; for commands that decide
 */
export async function withEngine<T>(
  url: string,
  options: {
    readonly mustExist: boolean;
    readonly takesSpool?: boolean;
    readonly settings?: Partial<Parameters<typeof Engine.start>[0]>;
  },
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  const location = locate(url);
  const { beside } = location;
  const spool = options.takesSpool && beside !== null ? new Spool(beside) : undefined;
  let store: Store | undefined;
  const engine = await Engine.start({
    clock: systemClock,
    ids: randomIds,
    logger: silentLogger,
    openStore: async ({ onChange }) => {
      store = await openSqlStore(location, { mustExist: options.mustExist, spool, onChange });
      return store;
    },
    isOff: false,
    isStrict: true,
    refreshMs: 5000,
    patienceMs: 5000,
    version: VERSION,
    ...options.settings,
  });
  try {
    return await use({ engine, store: store as Store });
  } finally {
    await engine.close();
  }
}
