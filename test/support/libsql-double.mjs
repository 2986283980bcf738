/**
 * A double of a libSQL server: Hrana 2 over HTTP, in JSON, over the synchronous libsql package.
 *
 * It stands in for a server in tests of what we do with one: journeys, lost replies, disconnects, refusals. It is no
 * evidence about the real sqld, whose parser, limits and speed are its own.
 *
 * As a program: `node libsql-double.mjs FILE PORT [TOKEN] [FAULTS]`, FAULTS being JSON of `cut` and `lose` (chances),
 * `latencyMs` and `seed`.
 */
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import Database from "libsql";

const BUSY_WAIT_MS = 5000;
const BUSY_TURN_MS = 2;

function fromWire({ type, value, base64 }) {
  if (type === "null") return null;
  if (type === "integer") return Number(value);
  return type === "blob" ? Buffer.from(base64, "base64") : value;
}

function toWire(value) {
  if (value === null) return { type: "null" };
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { type: "integer", value: String(value) } : { type: "float", value };
  if (typeof value === "string") return { type: "text", value };
  return { type: "blob", base64: Buffer.from(value).toString("base64") };
}

const errorOf = ({ message, code }) => ({ message: `SQLite error: ${message}`, code: code ?? "UNKNOWN" });

const isBusyError = (error) => error?.code?.startsWith("SQLITE_BUSY") ?? false;

/** A connection, and the texts it was asked to keep. */
class Stream {
  #texts = new Map();

  constructor(path, synchronous) {
    this.database = new Database(path, { timeout: BUSY_WAIT_MS });
    this.database.exec("PRAGMA journal_mode = WAL");
    // From here on it waits by turns: whoever holds the lock may be served by this very thread.
    this.database.exec("PRAGMA busy_timeout = 0");
    this.database.exec(`PRAGMA synchronous = ${synchronous}`);
  }

  /** The answer, once nobody else's transaction is in its way, or has been for too long. */
  async patientAnswer(request) {
    const end = performance.now() + BUSY_WAIT_MS;
    for (;;) {
      const answered = this.#attempt(request);
      if (!answered.isBusy || performance.now() > end) return answered.result;
      await new Promise((resolve) => setTimeout(resolve, BUSY_TURN_MS));
    }
  }

  #attempt(request) {
    try {
      const response = this.#answer(request);
      // A batch begins with what takes the lock; the steps after it have waited for that.
      const isBusy = isBusyError(response.result?.step_errors?.[0]);
      return { isBusy, result: { type: "ok", response } };
    } catch (error) {
      return { isBusy: isBusyError(error), result: { type: "error", error: errorOf(error) } };
    }
  }

  #answer(request) {
    const { type } = request;
    if (type === "execute") return { type, result: this.#execute(request.stmt) };
    if (type === "batch") return { type, result: this.#batch(request.batch) };
    if (type === "store_sql") this.#texts.set(request.sql_id, request.sql);
    else if (type === "close_sql") this.#texts.delete(request.sql_id);
    else if (type === "sequence") this.database.exec(request.sql ?? this.#texts.get(request.sql_id));
    else if (type !== "close") throw new Error(`the double knows no '${type}'`);
    return { type };
  }

  #execute({ sql, sql_id: id, args = [], named_args: named = [] }) {
    if (named.length > 0) throw new Error("the double binds by place alone");
    const statement = this.database.prepare(sql ?? this.#texts.get(id));
    const values = args.map(fromWire);
    if (!statement.reader) {
      const { changes } = statement.run(...values);
      return { cols: [], rows: [], affected_row_count: changes, last_insert_rowid: null };
    }
    const cols = statement.columns().map(({ name, type }) => ({ name, decltype: type }));
    const rows = statement.raw().all(...values);
    return { cols, rows: rows.map((row) => row.map(toWire)), affected_row_count: 0, last_insert_rowid: null };
  }

  #batch({ steps }) {
    const results = [];
    const errors = [];
    const holds = (condition) => {
      if (!condition) return true;
      const { type, step, cond, conds } = condition;
      if (type === "ok") return Boolean(results[step]);
      if (type === "error") return Boolean(errors[step]);
      if (type === "not") return !holds(cond);
      if (type === "is_autocommit") return !this.database.inTransaction;
      return type === "and" ? conds.every(holds) : conds.some(holds);
    };
    for (const { stmt, condition } of steps) {
      let result = null;
      let error = null;
      try {
        if (holds(condition)) result = this.#execute(stmt);
      } catch (failure) {
        error = errorOf(failure);
      }
      results.push(result);
      errors.push(error);
    }
    return { step_results: results, step_errors: errors };
  }

  close() {
    if (this.database.inTransaction) this.database.exec("ROLLBACK");
    this.#texts.clear();
  }
}

/** Starts one over a file, or over every file that a URL names after it; see the types beside it. */
export async function startLibsqlDouble({ path = null, port = 0, token = null, synchronous = "FULL" }) {
  const idle = new Map();
  const streams = new Map();
  let batons = 0;
  const double = { url: "", trips: 0, latencyMs: 0, token, fault: () => null, close };

  async function carryOut(file, { baton, requests }) {
    const rest = idle.get(file) ?? [];
    idle.set(file, rest);
    const stream = streams.get(baton) ?? rest.pop() ?? new Stream(file, synchronous);
    streams.delete(baton);
    const results = [];
    for (const request of requests) results.push(await stream.patientAnswer(request));
    if (requests.at(-1)?.type === "close") {
      stream.close();
      rest.push(stream);
      return { baton: null, base_url: null, results };
    }
    batons += 1;
    const next = `baton-${batons}`;
    streams.set(next, stream);
    return { baton: next, base_url: null, results };
  }

  function fileOf(request, response) {
    const [, named] = /^\/(?:([^/]+)\/)?v2\/pipeline$/.exec(request.url) ?? [];
    const file = path ?? (named && Buffer.from(named, "base64url").toString());
    if (!file) response.writeHead(404).end();
    if (!file || double.token === null || request.headers.authorization === `Bearer ${double.token}`)
      return file;
    response.writeHead(401, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: "Unauthorized: the token is not valid" }));
  }

  async function bodyOf(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString());
  }

  async function reply(request, response) {
    const file = fileOf(request, response);
    if (!file) return;
    const body = await bodyOf(request);
    double.trips += 1;
    if (double.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, double.latencyMs));
    const fault = double.fault(body, double.trips);
    if (fault === "cut") return void request.socket.destroy();
    if (fault?.status) return void response.writeHead(fault.status).end(fault.text ?? "");
    if (fault?.until) {
      request.socket.destroy();
      await fault.until;
    }
    const text = JSON.stringify(await carryOut(file, body));
    if (fault) return void request.socket.destroy();
    response.writeHead(200, { "content-type": "application/json" }).end(text);
  }

  const server = createServer((request, response) => {
    reply(request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  double.url = `http://127.0.0.1:${server.address().port}`;

  async function close() {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    for (const { database } of [...[...idle.values()].flat(), ...streams.values()]) database.close();
  }
  return double;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [path, port, token = null, faults = "{}"] = process.argv.slice(2);
  const { cut = 0, lose = 0, latencyMs = 0, seed = 1 } = JSON.parse(faults);
  const double = await startLibsqlDouble({ path, port: Number(port), token });
  let state = seed;
  double.latencyMs = latencyMs;
  double.fault = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const chance = state / 2 ** 32;
    if (chance < cut) return "cut";
    return chance < cut + lose ? "lose" : null;
  };
  process.stdout.write(`${double.url}\n`);
}
