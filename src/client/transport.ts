/**
 * Requests to the server: one attempt, bounded in time, that never rejects; and for what people do, attempts until one
 * is answered.
 */
import { type DethroneError, isDethroneError } from "../core/errors.js";
import { keptAlive } from "../engine/platform.js";
import type { Clock, IdSource } from "../engine/ports.js";
import type { RouteOutput, RouteRequest } from "../server/contract/routes.js";
import { backoffMs } from "./backoff.js";
import { errorOf, serverUnavailable } from "./problem.js";
import { CLIENT_ROUTES, type ClientRouteId, targetOf } from "./routes.js";

/** What a transport is made of. */
export interface TransportSettings {
  /** where the server is, without a slash at the end */
  readonly server: string;
  readonly key: string | undefined;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** uniform in [0, 1) */
  readonly random: () => number;
  /** longest an attempt takes, in milliseconds */
  readonly timeoutMs: number;
}

/** What came of one attempt. */
export type Reply<Id extends ClientRouteId> =
  | { readonly status: "ok"; readonly body: RouteOutput<Id>; readonly etag: string | null }
  /** what is known under the ETag still holds */
  | { readonly status: "unchanged" }
  | Refusal;

/** Why an attempt has failed. */
export interface Refusal {
  readonly status: "refused";
  readonly error: DethroneError;
  /** HTTP status; 0 where there was no answer */
  readonly http: number;
  /** how long the server has asked to wait; 0 for no word of it */
  readonly leastMs: number;
}

/** How a request is sent. */
export interface SendOptions {
  readonly ifNoneMatch?: string | null;
  readonly idempotencyKey?: string;
  /** the body as JSON text, where it has been made already */
  readonly text?: string;
}

const ATTEMPTS = 5;

/** A server that asks for more is asked again all the same. */
const WAIT_MAX_MS = 60_000;

/** Whether the same request may do better at another time. */
function isPassing({ error, http }: Refusal): boolean {
  return (
    error.kind === "unavailable" ||
    error.kind === "throttled" ||
    error.code === "request_in_progress" ||
    http >= 500
  );
}

/** Sends requests. */
export class Transport {
  readonly #settings: TransportSettings;

  constructor(settings: TransportSettings) {
    this.#settings = settings;
  }

  /**
   * What people do: answered, or refused for good. An attempt whose answer was lost is repeated under the same
   * Idempotency-Key, so nothing is done twice.
   *
   * @throws DethroneError what the server says; `server_unavailable` after five attempts
   */
  call<Id extends ClientRouteId>(id: Id, request: RouteRequest<Id>): Promise<RouteOutput<Id>> {
    return keptAlive(this.#called(id, request));
  }

  async #called<Id extends ClientRouteId>(id: Id, request: RouteRequest<Id>): Promise<RouteOutput<Id>> {
    const { ids, random, clock } = this.#settings;
    const options = CLIENT_ROUTES[id].method === "get" ? {} : { idempotencyKey: ids.next() };
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.send(id, request, options);
      if (reply.status === "ok") return reply.body;
      if (reply.status === "unchanged") throw serverUnavailable("The server answered what was not asked.");
      if (!isPassing(reply) || attempt === ATTEMPTS) throw reply.error;
      const wait = backoffMs({ attempt, leastMs: reply.leastMs, random: random() });
      await new Promise<void>((resolve) => clock.after(wait, resolve));
    }
  }

  /** One attempt. Never rejects. */
  async send<Id extends ClientRouteId>(
    id: Id,
    request: RouteRequest<Id>,
    options: SendOptions = {},
  ): Promise<Reply<Id>> {
    try {
      const { response, text } = await this.#exchanged(id, request, options);
      if (response.status === 304) return { status: "unchanged" };
      const body = parsed(text);
      if (response.ok && typeof body === "object" && body !== null) {
        return { status: "ok", body: body as RouteOutput<Id>, etag: response.headers.get("etag") };
      }
      return this.#refused(response, body);
    } catch (cause) {
      const { server } = this.#settings;
      const error = isDethroneError(cause) ? cause : unreachable(server, cause);
      return { status: "refused", error, http: 0, leastMs: 0 };
    }
  }

  #refused(response: Response, body: unknown): Refusal {
    const { server, clock } = this.#settings;
    const { status: http } = response;
    const error =
      errorOf(body) ??
      serverUnavailable(`What answers at ${server} is no dethrone server (HTTP ${http}).`, { server, http });
    return {
      status: "refused",
      error,
      http,
      leastMs: waitOf(response.headers.get("retry-after"), clock.now()),
    };
  }

  /** The whole answer, its body read, in time. */
  #exchanged<Id extends ClientRouteId>(
    id: Id,
    request: RouteRequest<Id>,
    options: SendOptions,
  ): Promise<{ response: Response; text: string }> {
    const { server, fetch: ask, clock, timeoutMs } = this.#settings;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      // A fetch that does not mind the signal must not be waited for either.
      const cancel = clock.after(timeoutMs, () => {
        const error = new Error(`no answer within ${timeoutMs} ms`);
        reject(error);
        controller.abort(error);
      });
      const run = async () => {
        const response = await ask(`${server}${targetOf(id, request)}`, {
          method: CLIENT_ROUTES[id].method.toUpperCase(),
          headers: this.#headers(options),
          body: options.text ?? (request.body === undefined ? null : JSON.stringify(request.body)),
          signal: controller.signal,
        });
        return { response, text: response.status === 304 ? "" : await response.text() };
      };
      run().then(resolve, reject).finally(cancel);
    });
  }

  #headers({ ifNoneMatch, idempotencyKey }: SendOptions): Record<string, string> {
    const { key } = this.#settings;
    return {
      accept: "application/json",
      "content-type": "application/json",
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
      ...(ifNoneMatch && { "if-none-match": ifNoneMatch }),
    };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Retry-After: seconds, or a date. */
function waitOf(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return ms > 0 ? Math.min(ms, WAIT_MAX_MS) : 0;
}

function unreachable(server: string, cause: unknown): DethroneError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return serverUnavailable(`The server at ${server} cannot be reached: ${why}.`, { server }, cause);
}
