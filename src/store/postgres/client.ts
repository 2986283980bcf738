/**
 * Connections to Postgres by node-postgres: `pg` is what teams on Postgres have already, and it reads what a server sends
 * as it comes, so a long answer does not hold the event loop up. (postgres.js sends several statements at once, which a
 * transaction of dependent steps has no use for, and writes arrays at half the speed.)
 */
import type pg from "pg";
import { DethroneError } from "../../core/errors.js";
import type { PostgresLocation } from "../location.js";
import type { WireError } from "../writer/write-protocol.js";

/** The code of a connection that was lost or never there, as the SQL standard has it. */
export const CONNECTION_LOST = "08006";

/** How long a server may take to let in, and to answer what is no long question, in milliseconds. */
export const ANSWER_MS = 15_000;
const CONNECT_MS = 5000;

/** How long a transaction waits for a lock, and a frozen process may hold one, in milliseconds. */
const LOCK_MS = 5000;
const IDLE_MS = 10_000;

const BOOL = 16;
const BYTEA = 17;
/** int8, int2, int4, float4, float8, numeric */
const NUMBERS = [20, 21, 23, 700, 701, 1700];

function exactNumber(text: string): number {
  const number = Number(text);
  if (Math.abs(number) <= Number.MAX_SAFE_INTEGER || !/^-?\d+$/.test(text)) return number;
  throw new RangeError(`an integer beyond 2^53: ${text}`);
}

/** Rows as SQLite gives them: numbers, texts, null, and 0 or 1 for what is true or not. */
const types = {
  getTypeParser(oid: number) {
    if (NUMBERS.includes(oid)) return exactNumber;
    if (oid === BOOL) return (text: string): number => Number(text === "t");
    if (oid === BYTEA) return (text: string): Buffer => Buffer.from(text.slice(2), "hex");
    return (text: string): string => text;
  },
} as unknown as pg.CustomTypesConfig;

/** The package. @throws DethroneError `peer_missing` */
export async function loadPg(): Promise<typeof pg> {
  try {
    return (await import("pg")).default;
  } catch (cause) {
    throw new DethroneError(
      "peer_missing",
      "A postgres:// database needs the package pg, which is not installed: npm install pg.",
      { package: "pg" },
      { cause },
    );
  }
}

/**
 * To compile a statement takes up to a second, and the server does so where it takes one for long: in a table of millions
 * that is nearly every one of ours, each of which takes milliseconds.
 */
const INTERPRETED = "jit=off";

/** Settings of a connection. What the server is to hold for it goes with the connection: no statement is spent on it. */
export function settingsOf(
  { url, schema }: PostgresLocation,
  settings: readonly string[] = [],
): pg.ClientConfig {
  const inSchema = schema === null ? [] : [`search_path="${schema}"`];
  const options = [...inSchema, INTERPRETED, ...settings]
    .map((each) => `-c ${each.replaceAll(" ", String.raw`\ `)}`)
    .join(" ");
  return {
    connectionString: url,
    types,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    application_name: "dethrone",
    options,
  };
}

/** Of a connection that writes. */
export const WRITING = [`lock_timeout=${LOCK_MS}`, `idle_in_transaction_session_timeout=${IDLE_MS}`] as const;

/** A failure of the package or the server: a connection that is gone has no code of its own. */
export function failureOf(error: unknown): WireError {
  const { code, message, constraint } = error as { code?: unknown; message?: unknown; constraint?: unknown };
  const text = typeof message === "string" && message !== "" ? message : String(error);
  if (typeof code !== "string") return { code: CONNECTION_LOST, message: text };
  // The store tells by this word, in whatever language the server speaks, that another process was faster.
  return { code, message: code === "23505" ? `UNIQUE constraint ${String(constraint)}: ${text}` : text };
}

/** Connects. @throws an error with a code */
export async function connectTo(
  location: PostgresLocation,
  settings: readonly string[] = [],
): Promise<pg.Client> {
  const { Client } = await loadPg();
  const client = new Client(settingsOf(location, settings));
  // Without a listener the end of an idle connection would end the process; whoever uses it next sees it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.end().catch(() => undefined);
    throw Object.assign(new Error(failureOf(error).message, { cause: error }), failureOf(error));
  }
}
