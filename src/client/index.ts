/**
 * `dethrone/client`: the library's projects for processes without a database, over the HTTP API of `dethrone serve`. It
 * asks for nothing of Node's, so it runs in serverless and edge runtimes too.
 */
import { DethroneError, received } from "../core/errors.js";
import type { PrivacyGuard } from "../engine/configs/privacy.js";
import { consoleLogger, randomIds, safeLogger, systemClock } from "../engine/environment.js";
import { checkedFunction, checkedSinks, positive } from "../engine/host-settings.js";
import { isSwitchedOff } from "../engine/platform.js";
import type { Logger } from "../engine/ports.js";
import type { ExposureSink } from "../engine/sessions/exposures.js";
import { Client } from "./client.js";
import type { KnownSnapshot } from "./project.js";

/** Settings of a client. */
export interface ClientOptions {
  /** address of `dethrone serve`, such as `https://dethrone.example.com` */
  readonly server: string;
  /** a key of `dethrone keys` with the scope `record`, and `read` and `admin` for what else is asked; default: none */
  readonly key?: string | undefined;
  /** anything with `debug`, `info`, `warn` and `error(fields, message)`, such as pino; default: standard error */
  readonly logger?: Logger;
  /** how often, in milliseconds, promotions and changes are looked for; default 5000 */
  readonly refreshMs?: number;
  /** longest wait, in milliseconds, for the server when a session has a unit or an id; default 250 */
  readonly patienceMs?: number;
  /** longest wait, in milliseconds, for the answer to one request; default 5000 */
  readonly timeoutMs?: number;
  /** `snapshots()` of another client, or of an earlier run: the first sessions then wait for no request */
  readonly bootstrap?: readonly KnownSnapshot[] | undefined;
  /**
   * given each promise of a recording that goes on behind the agent's back: `ctx.waitUntil`, Next's `after`. A runtime that
   * freezes or ends after the response would lose it otherwise.
   */
  readonly waitUntil?: ((task: Promise<unknown>) => void) | undefined;
  /** told of each assignment of a session to an arm, for analytics of your own; default none */
  readonly exposures?: readonly ExposureSink[];
  /** refuses texts that must not be stored, in contexts, signals and configs; `codeGuard` refuses source code */
  readonly guard?: PrivacyGuard;
  /** the fetch that requests go through; default: the runtime's */
  readonly fetch?: typeof fetch | undefined;
}

function invalid(field: string, value: unknown, message: string): never {
  throw new DethroneError("settings_invalid", message, { field, received: received(value) });
}

/** Without slashes at its end. */
function checkedServer(server: unknown): string {
  const isUrl =
    typeof server === "string" && URL.canParse(server) && /^https?:$/.test(new URL(server).protocol);
  if (!isUrl)
    invalid("server", server, `server must be an http or https address; received ${String(server)}.`);
  const { search, hash, username } = new URL(server);
  if (search + hash + username !== "")
    invalid("server", server, "server must be an address without user, query and fragment; give { key }.");
  return server.replace(/\/+$/, "");
}

function checkedKey(key: unknown): string | undefined {
  if (key === undefined || (typeof key === "string" && /^[\x21-\x7e]+$/.test(key))) return key;
  // Not what it was: it may be a secret with a line break at its end.
  return invalid("key", typeof key, "key must be a key of `dethrone keys`, a text without spaces.");
}

function checkedBootstrap(bootstrap: unknown): readonly KnownSnapshot[] {
  if (bootstrap === undefined) return [];
  const isSnapshot = (each: unknown): boolean => typeof Object(each).project === "string";
  if (Array.isArray(bootstrap) && bootstrap.every(isSnapshot)) return bootstrap;
  return invalid(
    "bootstrap",
    bootstrap,
    "bootstrap must be a list of snapshots, as `snapshots()` gives them.",
  );
}

/**
 * Opens a client. Nothing is asked of the server before the first project.
 *
 * While the server is away agents run on the last known champion, or else on that of the code; what they record waits in
 * memory, and is lost with the process. With the environment variable DETHRONE=off, where there is an environment, every
 * session gets the champion and no request is made.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const client = createClient({ server: "https://dethrone.example.com", key: env.DETHRONE_KEY });
 * const bot = await client.project("support", { champion: { model: "m-large" } });
 */
export function createClient(options: ClientOptions): Client {
  const given = Object(options) as ClientOptions;
  const own = checkedFunction("fetch", given.fetch);
  return new Client({
    clock: systemClock,
    ids: randomIds,
    random: Math.random,
    logger: safeLogger(given.logger ?? consoleLogger),
    server: checkedServer(given.server),
    key: checkedKey(given.key),
    // Called as a function of its own: some runtimes refuse it as a method of anything else.
    fetch: (...request) => (own ?? globalThis.fetch)(...request),
    isOff: isSwitchedOff(),
    refreshMs: positive("refreshMs", given.refreshMs, 5000),
    patienceMs: positive("patienceMs", given.patienceMs, 250),
    timeoutMs: positive("timeoutMs", given.timeoutMs, 5000),
    bootstrap: checkedBootstrap(given.bootstrap),
    waitUntil: checkedFunction("waitUntil", given.waitUntil),
    exposures: checkedSinks(given.exposures),
    guard: checkedFunction("guard", given.guard),
  });
}

export {
  DethroneError,
  type ErrorCode,
  type ErrorKind,
  isDethroneError,
  type Json,
  type JsonObject,
} from "../core/errors.js";
export { codeGuard, type PrivacyGuard } from "../engine/configs/privacy.js";
export type { Health } from "../engine/context.js";
export type { ProjectOptions, SchemaProjectOptions } from "../engine/engine.js";
export type { EndReceipt, Logger, SignalReceipt } from "../engine/ports.js";
export type { ChallengeResult, Project } from "../engine/project.js";
export { fromBaggage, type ParentSession, toBaggage } from "../engine/sessions/baggage.js";
export { currentSession } from "../engine/sessions/current-session.js";
export {
  callbackSink,
  type Exposure,
  type ExposureSink,
  logSink,
  noopSink,
  type RecordingSink,
  recordingSink,
} from "../engine/sessions/exposures.js";
export type { EndInput, Receipt, Session, SignalInput } from "../engine/sessions/session.js";
export type { SessionOptions, SessionParent } from "../engine/sessions/session-options.js";
export type { ArgsOf, Runner, WrapOptions, Wrapped } from "../engine/sessions/wrap.js";
export type { Client } from "./client.js";
export type { KnownSnapshot } from "./project.js";
