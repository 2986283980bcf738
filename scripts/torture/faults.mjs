// Loaded before everything else in the processes of the torture, writer's thread included: makes the writer's connection
// to the database slow or failing, and notes every error that it meets. The package itself has no switch for any of it.
import { appendFileSync } from "node:fs";
import { isMainThread, threadId } from "node:worker_threads";
import Database from "libsql";
import { createRandom } from "../../dist/core/random.js";

const { log, seed = 0, commitMs = null, failRate = 0 } = JSON.parse(process.env.TORTURE_FAULTS ?? "{}");
const CODES = ["SQLITE_BUSY", "SQLITE_BUSY", "SQLITE_BUSY", "SQLITE_IOERR", "SQLITE_FULL"];

// A database that could not be opened is tried again in another thread, which must not fail in the same place for ever.
const random = createRandom(seed + threadId);
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function failSometimes(sql) {
  // What undoes is left alone: a failing ROLLBACK is another story.
  if (failRate === 0 || sql.startsWith("ROLLBACK") || random.next() >= failRate) return;
  const code = CODES[random.uint32() % CODES.length];
  throw Object.assign(new Error(`injected ${code}`), { code });
}

/** A slow disk: the time goes by before the data is safe, or after it and before anyone is told. */
function slowly(sql, call) {
  if (sql !== "COMMIT" || commitMs === null) return call();
  const [from, to] = commitMs;
  const ms = from + random.next() * (to - from);
  const before = random.next() * ms;
  pause(before);
  const result = call();
  pause(ms - before);
  return result;
}

function guarded(sql, call) {
  try {
    failSometimes(sql);
    return slowly(sql, call);
  } catch (error) {
    if (typeof error?.code === "string" && log) appendFileSync(log, `${error.code}\n`);
    throw error;
  }
}

if (!isMainThread) {
  const { prepare } = Database.prototype;
  Database.prototype.prepare = function prepareGuarded(sql) {
    const statement = prepare.call(this, sql);
    for (const name of ["run", "get", "all"]) {
      const method = statement[name];
      statement[name] = (...values) => guarded(sql, () => method.apply(statement, values));
    }
    return statement;
  };
}
