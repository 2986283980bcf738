/**
 * A thread that runs statements which may take long on a connection of its own, one after the other.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "libsql";
import type { AsideReply, AsideRequest, AsideSettings } from "./aside.js";

const { path, waitMs } = workerData as AsideSettings;
const database = new Database(path, { timeout: waitMs });

function rowsOf({ sql, params }: AsideRequest): AsideReply {
  try {
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
  if (request !== null) return port.postMessage(rowsOf(request));
  database.close();
  port.close();
});
