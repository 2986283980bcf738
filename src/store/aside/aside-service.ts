/**
 * What runs statements beside the host's event loop: on a thread of its own, or, where there are none, in its host's; see
 * `startThread`.
 */
import Database from "libsql";
import type { Respond, Service } from "../thread.js";
import type { AsideReply, AsideRequest, AsideSettings } from "./aside.js";

/** How often a copy that follows a server asks it for news. */
const SYNC_SECONDS = 5;

/** One connection, and the statements that are run on it again and again. */
class AsideService {
  readonly #database: Database.Database;
  readonly #frequent = new Map<string, Database.Statement<unknown[]>>();

  constructor({ path, waitMs, follows }: AsideSettings) {
    const { url: syncUrl = "", authToken = null } = follows ?? {};
    const sync = { syncUrl, authToken: authToken ?? "", syncPeriod: SYNC_SECONDS };
    this.#database = new Database(path, { timeout: waitMs, ...(follows && sync) });
    if (follows) this.#database.sync();
  }

  /** Numbers pass through JSON of JavaScript unchanged, to the last bit. */
  #tuplesOf({ sql, params }: AsideRequest): AsideReply {
    let statement = this.#frequent.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      statement.raw();
      this.#frequent.set(sql, statement);
    }
    return { tuples: JSON.stringify(statement.all(...params)) };
  }

  #rowsOf({ sql, params }: AsideRequest): AsideReply {
    const statement = this.#database.prepare(sql);
    // A statement that gives no rows may not be asked for some.
    if (!statement.reader) {
      statement.run(...params);
      return { rows: [] };
    }
    const rows = statement.all(...params) as Record<string, unknown>[];
    for (const row of rows) delete row._metadata;
    return { rows };
  }

  answer(request: AsideRequest): AsideReply {
    try {
      return request.isFrequent ? this.#tuplesOf(request) : this.#rowsOf(request);
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: unknown };
      return { error: { code: typeof code === "string" ? code : "", message: String(message) } };
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** Answers requests in their order. It throws where the database cannot be opened. */
export const asideService =
  (settings: AsideSettings) =>
  (respond: Respond<AsideReply>): Service<AsideRequest> => {
    const service = new AsideService(settings);
    return { ask: (request) => respond(service.answer(request)), end: () => service.close() };
  };
