/**
 * The HTTP API over an engine, as one fetch function: no socket, no process.
 */
import { Hono } from "hono";
import { cors } from "hono/cors";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { DethroneError, received } from "../core/errors.js";
import type { Principal } from "../engine/access/keys.js";
import type { Engine } from "../engine/engine.js";
import type { TickResult } from "../engine/experiments/tick.js";
import type { Clock } from "../engine/ports.js";
import { type Simulator, simulateInSlices } from "../engine/simulations.js";
import { VERSION } from "../version.js";
import { assertRate, LOCAL, principalOf } from "./access.js";
import { answer } from "./answer.js";
import type { Route } from "./contract/route.js";
import { ROUTES, type RouteId } from "./contract/routes.js";
import { EventFeed } from "./event-feed.js";
import { type Answer, BASE_HEADERS, failureAnswer, foreseen } from "./failure.js";
import type { Host } from "./handlers/handler.js";
import { Metrics } from "./metrics.js";
import { PageAccess } from "./page-access.js";
import { Questions } from "./questions.js";

/** One request, once it is answered; never with a key, a body or a query. */
export interface AccessLogEntry {
  readonly requestId: string;
  readonly method: string;
  readonly route: RouteId | "page" | "none";
  readonly status: number;
  readonly ms: number;
  /** id of the key; empty without one */
  readonly keyId: string;
  /** code of what it was refused for; null */
  readonly code: string | null;
  /** why an answer could not be made that nobody foresaw; null */
  readonly error: string | null;
}

/** What pages are made with. */
export interface PagesHost extends Host {
  readonly access: PageAccess;
}

/** How an app is made. */
export interface AppOptions {
  /** answer whoever asks, without a key; for a server that only this machine reaches. A function is asked each time. Default false */
  readonly open?: boolean | (() => boolean) | undefined;
  /** names that requests may be sent to, without ports; default: any. Keeps pages of other sites out of an open server */
  readonly hosts?: readonly string[] | undefined;
  /** origins whose pages may call the API from a browser; default none */
  readonly corsOrigins?: readonly string[] | undefined;
  /** requests a minute of each key, or of each address of an open server; default 6000 */
  readonly requestsPerMinute?: number | undefined;
  /** told of each request once it is answered */
  readonly onRequest?: ((entry: AccessLogEntry) => void) | undefined;
  /** runs simulations; default: on this thread, a slice at a time */
  readonly simulator?: Simulator | undefined;
  /** the pages of the dashboard, at `/`; default none */
  readonly pages?: ((host: PagesHost) => Hono<AppEnvironment>) | undefined;
  readonly clock?: Clock | undefined;
}

/** What a request carries on its way through the app. */
export interface AppEnvironment {
  readonly Bindings: {
    readonly incoming?: { readonly socket: { readonly remoteAddress?: string | undefined } };
  };
  readonly Variables: {
    principal: Principal;
    /** of a page: the request's id, and what it was refused for */
    pageId?: string;
    failure?: unknown;
  };
}

/** The API as a fetch function. */
export interface App {
  fetch(request: Request, bindings?: AppEnvironment["Bindings"]): Promise<Response>;
  /** tells who listens to events of what a tick of this process has found */
  announce(results: readonly TickResult[]): void;
  /** lets go of who listens to events */
  close(): void;
}

const DEFAULT_CLOCK: Clock = {
  now: () => Date.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms).unref();
    return () => clearTimeout(timer);
  },
};

const NO_QUERY = {};
const REQUESTS_PER_MINUTE = 6000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const PAGE_HEADERS = {
  ...BASE_HEADERS,
  "content-security-policy": CSP,
  // With no-referrer a browser does not say where a form comes from, and none would be believed.
  "referrer-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** As hono writes paths. */
const patternOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

/** The API over an engine. */
class HttpApp implements App {
  readonly #options: AppOptions;
  readonly #isOpen: () => boolean;
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #access: PageAccess;
  readonly #limiter: RateLimiterMemory;
  readonly #hono = new Hono<AppEnvironment>();
  /** of this process, before the running number of a request */
  readonly #requestPrefix: string;
  #requestCount = 0;

  constructor(engine: Engine, options: AppOptions) {
    const { clock = DEFAULT_CLOCK, simulator = simulateInSlices, open = false } = options;
    this.#options = options;
    this.#isOpen = typeof open === "function" ? open : () => open;
    this.#clock = clock;
    this.#host = {
      engine,
      events: new EventFeed(engine, clock),
      metrics: new Metrics(),
      questions: new Questions(engine, simulator),
      version: VERSION,
    };
    this.#access = new PageAccess(engine, { isOpen: this.#isOpen });
    const points = options.requestsPerMinute ?? REQUESTS_PER_MINUTE;
    this.#limiter = new RateLimiterMemory({ points, duration: 60 });
    this.#requestPrefix = engine.newId().slice(-12);
    this.#build();
  }

  #build(): void {
    const { corsOrigins = [], pages } = this.#options;
    if (corsOrigins.length > 0) {
      const exposeHeaders = ["etag", "x-request-id", "retry-after"];
      this.#hono.use("/v1/*", cors({ origin: [...corsOrigins], exposeHeaders }));
    }
    for (const [id, route] of Object.entries<Route>(ROUTES))
      this.#hono[route.method](patternOf(route.path), (c) => this.#answered(c, id as RouteId, route));
    // A request that more than one handler might answer takes longer to answer: what is no operation is looked at apart.
    const others = this.#others(pages);
    this.#hono.notFound((c) => others.fetch(c.req.raw, c.env));
    this.#hono.onError((error, c) => this.#refused(c, error));
  }

  /** What is no operation: one with another method, the pages, and nothing at all. */
  #others(pages: AppOptions["pages"]): Hono<AppEnvironment> {
    const others = new Hono<AppEnvironment>();
    const allowed = new Map<string, string[]>();
    for (const { path, method } of Object.values<Route>(ROUTES))
      allowed.set(path, [...(allowed.get(path) ?? []), method.toUpperCase()]);
    for (const [path, methods] of allowed)
      others.all(patternOf(path), (c) => this.#refused(c, methodRefused(c.req.method, methods)));
    if (pages) this.#addPages(others, pages);
    others.notFound((c) => this.#refused(c, notFound(c.req.path)));
    others.onError((error, c) => this.#refused(c, error));
    return others;
  }

  #addPages(hono: Hono<AppEnvironment>, pages: NonNullable<AppOptions["pages"]>): void {
    hono.use(async (c, next) => {
      const begun = this.#begin(c);
      if (begun.refused) return this.#finish(begun, c, "page", failureAnswer(begun.refused, begun.id));
      c.set("pageId", begun.id);
      await next();
      for (const [name, value] of Object.entries(PAGE_HEADERS))
        if (!c.res.headers.has(name)) c.res.headers.set(name, value);
      c.res.headers.set("x-request-id", begun.id);
      begun.keyId = c.get("principal")?.keyId ?? "";
      this.#tell(begun, c, "page", c.res.status, c.get("failure") ?? null);
      return undefined;
    });
    this.#access.mount(hono);
    hono.route("/", pages({ ...this.#host, access: this.#access }));
  }

  /** Every request gets an id, its own where it has one that no header or log suffers from. */
  #begin(c: Context): Begun {
    const given = c.req.header("x-request-id");
    this.#requestCount += 1;
    const id =
      given !== undefined && REQUEST_ID.test(given)
        ? given
        : `${this.#requestPrefix}-${this.#requestCount.toString(36)}`;
    const refused = hostRefused(c, this.#options.hosts);
    return { id, startedAtMs: this.#clock.now(), refused, keyId: "" };
  }

  async #answered(c: Context, id: RouteId, route: Route): Promise<Response> {
    const begun = this.#begin(c);
    try {
      if (begun.refused) throw begun.refused;
      const principal = await this.#principal(c, route, begun);
      const answered = await answer(this.#host, id, {
        request: c.req.raw,
        requestId: begun.id,
        principal,
        params: c.req.param() as Record<string, string>,
        query: c.req.url.includes("?") ? c.req.query() : NO_QUERY,
      });
      return this.#finish(begun, c, id, answered);
    } catch (error) {
      return this.#finish(begun, c, id, failureAnswer(foreseen(error), begun.id), error);
    }
  }

  #refused(c: Context, error: unknown): Response {
    const pageId = c.get("pageId");
    if (pageId !== undefined) {
      // Told of with the page.
      c.set("failure", error);
      const { status, headers, body } = failureAnswer(foreseen(error), pageId);
      return new Response(body, { status, headers });
    }
    const begun = this.#begin(c);
    const told = begun.refused ?? error;
    return this.#finish(begun, c, "none", failureAnswer(foreseen(told), begun.id), told);
  }

  #finish(
    begun: Begun,
    c: Context,
    route: AccessLogEntry["route"],
    { status, headers, body }: Answer,
    failure: unknown = null,
  ): Response {
    this.#tell(begun, c, route, status, failure);
    return new Response(body, { status, headers: { ...headers, "x-request-id": begun.id } });
  }

  #tell(
    { id: requestId, startedAtMs, keyId }: Begun,
    c: Context,
    route: AccessLogEntry["route"],
    status: number,
    failure: unknown,
  ): void {
    const ms = this.#clock.now() - startedAtMs;
    this.#host.metrics.count(route, status, ms);
    this.#options.onRequest?.({
      ...{ requestId, method: c.req.method, route, status, ms, keyId },
      code: failure === null ? null : foreseen(failure).code,
      error: status >= 500 && failure !== null ? reasonOf(failure) : null,
    });
  }

  async #principal(c: Context, { scope, isPaced }: Route, begun: Begun): Promise<Principal> {
    if (scope === null) return LOCAL;
    const principal = this.#isOpen() ? LOCAL : await this.#admitted(c);
    begun.keyId = principal.keyId;
    if (!isPaced) await assertRate(this.#limiter, principal.keyId || addressOf(c));
    return principal;
  }

  async #admitted(c: Context): Promise<Principal> {
    const authorization = c.req.header("authorization");
    // A page reads by the cookie of who looks at it; only a form with its token changes anything.
    const isPage = authorization === undefined && c.req.method === "GET";
    const reader = isPage ? await this.#access.principalOf(c) : null;
    return reader ?? principalOf(this.#host.engine, authorization ?? null);
  }

  fetch(request: Request, bindings: AppEnvironment["Bindings"] = {}): Promise<Response> {
    return Promise.resolve(this.#hono.fetch(request, bindings));
  }

  announce(results: readonly TickResult[]): void {
    this.#host.events.announce(results);
  }

  close(): void {
    this.#host.events.close();
  }
}

/** A request that has begun. */
interface Begun {
  readonly id: string;
  readonly startedAtMs: number;
  /** why it is not looked at any further; null */
  readonly refused: DethroneError | null;
  /** of whom it comes from, once that is known; empty for whoever needs no key */
  keyId: string;
}

const reasonOf = (failure: unknown): string =>
  String(failure instanceof Error ? (failure.stack ?? failure.message) : failure);

function methodRefused(method: string, allowed: readonly string[]): DethroneError {
  return new DethroneError("method_not_allowed", `This takes ${allowed.join(" or ")}.`, {
    received: method,
    allowed,
  });
}

type Context = Parameters<Parameters<Hono<AppEnvironment>["notFound"]>[0]>[0];

const addressOf = (c: Context): string => c.env?.incoming?.socket.remoteAddress ?? "local";

function notFound(path: string): DethroneError {
  return new DethroneError("route_not_found", "There is nothing here. See /openapi.json.", {
    received: received(path.slice(0, 200)),
  });
}

/** A page of another site that has its name lead here would be answered as this machine is. */
function hostRefused(c: Context, hosts: readonly string[] | undefined): DethroneError | null {
  if (!hosts) return null;
  const { hostname } = new URL(c.req.url);
  const host = (c.req.header("host") ?? hostname).replace(/:\d+$/, "").toLowerCase();
  if (hosts.includes(host)) return null;
  return new DethroneError(
    "host_refused",
    `This server does not answer to the name '${host.slice(0, 100)}'.`,
    {
      allowed: hosts,
    },
  );
}

/**
 * The HTTP API over an engine.
 *
 * @example
 * const app = createApp(engine, { open: true });
 * await app.fetch(new Request("http://localhost/v1/projects"));
 */
export function createApp(engine: Engine, options: AppOptions = {}): App {
  return new HttpApp(engine, options);
}
