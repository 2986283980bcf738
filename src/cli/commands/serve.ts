/**
 * `serve`: the HTTP API, the dashboard and the scheduled decisions in one process.
 */
import { DethroneError, type JsonObject } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import { systemClock } from "../../engine/environment.js";
import type { Logger } from "../../engine/ports.js";
import { type AccessLogEntry, type App, createApp } from "../../server/app.js";
import { dashboard } from "../../server/dashboard/index.js";
import { listen } from "../../server/listen.js";
import { withEngine } from "../open.js";
import { simulateInParallel } from "../parallel.js";
import { flagWhole } from "../settings.js";
import type { CommandContext } from "./context.js";

/** Flags of `serve`. */
export interface ServeFlags {
  readonly host: string;
  readonly port: string;
  readonly cron: string;
  readonly decide: boolean;
  readonly cors?: readonly string[];
  readonly requestsPerMinute: string;
}

/** Names of this machine, as requests to it have them. */
const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "::1", "[::1]"];

/** One line of JSON on standard error. */
function write(level: string, fields: JsonObject, message: string): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}

const logger: Logger = {
  debug: () => undefined,
  info: (fields, message) => write("info", fields, message),
  warn: (fields, message) => write("warn", fields, message),
  error: (fields, message) => write("error", fields, message),
};

function logRequest(entry: AccessLogEntry): void {
  write(entry.status >= 500 ? "error" : "info", { ...entry }, "request");
}

/**
 * Whether whoever reaches the server is let in: only this machine does, and there is no key yet.
 *
 * @throws DethroneError `settings_invalid` where others would be let in
 */
async function isOpen(engine: Engine, host: string): Promise<boolean> {
  if (await engine.keys.isAny()) return false;
  if (LOOPBACK.includes(host)) return true;
  throw new DethroneError(
    "settings_invalid",
    `Without a key everyone who reaches ${host} could do anything. Make one with 'dethrone keys create NAME --scope read,record,admin', or listen on 127.0.0.1.`,
    { field: "host", received: host, allowed: LOOPBACK },
  );
}

/** How often an open server looks whether there is a key by now. */
const KEY_LOOK_MS = 1000;

/** Lets everyone in until there is a key; then nobody without one any more. */
function openUntilKeyed(engine: Engine): { readonly isOpen: () => boolean; readonly stop: () => void } {
  let isOpen = true;
  let cancel: () => void = () => undefined;
  const look = async (): Promise<void> => {
    try {
      if (await engine.keys.isAny()) isOpen = false;
    } catch {
      // The database is away: the next look tells.
    }
    if (isOpen) cancel = systemClock.after(KEY_LOOK_MS, look);
    else write("info", {}, "there is a key now; nobody is let in without one any more");
  };
  cancel = systemClock.after(KEY_LOOK_MS, look);
  return { isOpen: () => isOpen, stop: () => cancel() };
}

/** Resolves when the process is asked to stop; asked again it stops at once. */
function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(1));
      });
    }
  });
}

/** Decides on a schedule; what stops it. */
function scheduled(engine: Engine, app: App, { decide, cron }: ServeFlags): () => void {
  if (!decide) return () => undefined;
  const schedule = engine.schedule(cron, { onTick: (results) => app.announce(results), keepsAlive: true });
  return () => schedule.stop();
}

/** `serve` */
export async function serve(context: CommandContext, flags: ServeFlags): Promise<void> {
  const port = flagWhole("--port", flags.port, 0, 65_535);
  const requestsPerMinute = flagWhole("--requests-per-minute", flags.requestsPerMinute, 1, 1e9);
  const { host, cors } = flags;
  await withEngine(context.url, { mustExist: false, settings: { logger } }, async ({ engine }) => {
    const open = await isOpen(engine, host);
    const openness = open ? openUntilKeyed(engine) : { isOpen: () => false, stop: () => undefined };
    const app = createApp(engine, {
      ...{
        open: openness.isOpen,
        corsOrigins: cors,
        requestsPerMinute,
        onRequest: logRequest,
        pages: dashboard,
      },
      // Anyone may have a name lead to this machine; without keys, only its own names are answered to.
      hosts: open ? LOOPBACK : undefined,
      simulator: (jobs, { signal }) => simulateInParallel(jobs, { signal }),
    });
    const stopped = stopAsked();
    const listening = await listen(app, { host, port });
    const stopDeciding = scheduled(engine, app, flags);
    context.output.result({ url: listening.url, open }, () => `Listening on ${listening.url}`);
    if (open) context.output.note("No key is needed: only this machine can reach it.");
    await stopped;
    write("info", {}, "stopping");
    stopDeciding();
    openness.stop();
    await listening.stop();
  });
}
