/**
 * The session that code runs in, carried along by AsyncLocalStorage; see {@link ambient} for runtimes without one.
 */
import type { JsonObject } from "../../core/errors.js";
import { ambient } from "../platform.js";
import type { EngineSession, Session } from "./session.js";

const current = ambient<EngineSession | undefined>();

/**
 * The session of the wrapped call or `session.run` this code runs in, or undefined outside of one.
 */
export function currentSession<Config = JsonObject, Built = unknown>(): Session<Config, Built> | undefined {
  return current.getStore() as Session<Config, Built> | undefined;
}

/** Runs `fn`, and all it starts, in a session. */
export function runInSession<R>(session: EngineSession, fn: () => R): R {
  return current.run(session, fn);
}

/** Runs `fn`, and all it starts, in no session: whoever calls it may be in one that is none of its business. */
export function runOutsideSessions<R>(fn: () => R): R {
  return current.run(undefined, fn);
}

/**
 * The session that a new one is a part of. One that has ended is no more: what outlives it (a connection, a consumer of
 * a queue) may have been started in it by accident, and would otherwise make everything to come a part of it.
 */
export function enclosingSession(): EngineSession | undefined {
  const session = current.getStore();
  return session?.hasEnded ? undefined : session;
}
