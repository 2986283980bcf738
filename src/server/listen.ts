/**
 * The socket: the only file that has one.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { DethroneError } from "../core/errors.js";
import type { App } from "./app.js";

/** Where to listen, and how long. */
export interface ListenOptions {
  /** default 127.0.0.1 */
  readonly host?: string | undefined;
  /** default 4700; 0 takes a free one */
  readonly port?: number | undefined;
  /** how long stopping waits for requests that are being answered, in milliseconds; default 10,000 */
  readonly drainMs?: number | undefined;
  /** how long a request may take to arrive, in milliseconds, before it is cut off; default 30,000 */
  readonly arrivalMs?: number | undefined;
}

/** A server that listens. */
export interface Listening extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Takes nothing new, lets what is being answered finish, in bounded time; safe to call twice. */
  stop(): Promise<void>;
}

const PORT = 4700;
const DRAIN_MS = 10_000;
/** A request that takes longer to arrive is cut off: a slow sender must not hold a connection. */
const ARRIVAL_MS = 30_000;
const HEADERS_MS = 10_000;
const CHECK_MS = 5000;
const CONNECTIONS_MAX = 2000;

/**
 * Listens for requests of an app.
 *
 * @throws DethroneError `settings_invalid` where the address cannot be listened to
 */
export async function listen(app: App, options: ListenOptions = {}): Promise<Listening> {
  const { host = "127.0.0.1", port = PORT, drainMs = DRAIN_MS, arrivalMs = ARRIVAL_MS } = options;
  const server = serve({
    fetch: (request, { incoming }) => app.fetch(request, { incoming }),
    hostname: host,
    port,
    serverOptions: {
      requestTimeout: arrivalMs,
      headersTimeout: Math.min(HEADERS_MS, arrivalMs),
      connectionsCheckingInterval: Math.min(CHECK_MS, arrivalMs),
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  const address = await addressOf(server, host, port);
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopping ??= stopped(server, app, drainMs);
    return stopping;
  };
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    host,
    port: address.port,
    url: `http://${shown}:${address.port}`,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function addressOf(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("listening", () => resolve(server.address() as AddressInfo));
    server.once("error", (cause) => {
      const message = `Cannot listen on ${host}:${port}: ${cause.message}.`;
      reject(new DethroneError("settings_invalid", message, { host, port }, { cause }));
    });
  });
}

async function stopped(server: Server, app: App, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Streams of events would never end by themselves.
  app.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}
