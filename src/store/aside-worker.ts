/**
 * A thread that runs statements which may take long on a connection of its own, one after the other.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "libsql";
import type { AsideReply, AsideRequest, AsideSettings } from "./aside.js";

const { path, waitMs } = workerData as AsideSettings;
const database = new Database(path, { timeout: waitMs });

const frequent = new Map<string, Database.Statement<unknown[]>>();

/** Numbers pass through JSON of JavaScript unchanged, to the last bit. */
function tuplesOf({ sql, params }: AsideRequest): AsideReply {
  let statement = frequent.get(sql);
  if (!statement) {
    statement = database.prepare(sql);
    statement.raw();
    frequent.set(sql, statement);
  }
  return { tuples: JSON.stringify(statement.all(...params)) };
}

function answer(request: AsideRequest): AsideReply {
  const { sql, params, isFrequent } = request;
  try {
    if (isFrequent) return tuplesOf(request);
    const statement = database.prepare(sql);
    // A statement that gives no rows may not be asked for some.
    if (!statement.reader) {
      statement.run(...params);
      return { rows: [] };
    }
    const rows = statement.all(...params) as Record<string, unknown>[];
    for (const row of rows) delete row._metadata;
    return { rows };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return { error: { code: typeof code === "string" ? code : "", message: String(message) } };
  }
}

const port = parentPort;
port?.on("message", (request: AsideRequest | null) => {
  if (request !== null) return port.postMessage(answer(request));
  database.close();
  port.close();
});
