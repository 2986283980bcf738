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
import { type Asked, answer } from "./answer.js";
import type { Route } from "./contract/route.js";
import { ROUTES, type RouteId } from "./contract/routes.js";
import { EventFeed } from "./event-feed.js";
import { failureResponse, foreseen } from "./failure.js";
import type { Host } from "./handlers/handler.js";
import { Metrics } from "./metrics.js";
import { PageAccess } from "./page-access.js";
import { Questions } from "./questions.js";

/** One request, once it is answered; never with a key, a body or a query. */
export interface AccessLogEntry {
  readonly requestId: string;
  readonly method: string;
  /** id of the operation, `page`, or `none` */
  readonly route: string;
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
  /** answer whoever asks, without a key; for a server that only this machine reaches. Default false */
  readonly open?: boolean | undefined;
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
    requestId: string;
    principal: Principal;
    routeId: RouteId | "page" | "none";
    failure: unknown;
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

const REQUESTS_PER_MINUTE = 6000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,100}$/;
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

type Method = "get" | "post" | "put" | "patch";

/** As hono writes paths. */
const patternOf = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

/** The API over an engine. */
class HttpApp implements App {
  readonly #options: AppOptions;
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #access: PageAccess;
  readonly #limiter: RateLimiterMemory;
  readonly #hono = new Hono<AppEnvironment>();

  constructor(engine: Engine, options: AppOptions) {
    const { clock = DEFAULT_CLOCK, simulator = simulateInSlices, open = false } = options;
    this.#options = options;
    this.#clock = clock;
    this.#host = {
      engine,
      events: new EventFeed(engine, clock),
      metrics: new Metrics(),
      questions: new Questions(engine, simulator),
      version: VERSION,
    };
    this.#access = new PageAccess(engine, { isOpen: open });
    this.#limiter = new RateLimiterMemory({
      points: options.requestsPerMinute ?? REQUESTS_PER_MINUTE,
      duration: 60,
    });
    this.#build();
  }

  #build(): void {
    const { corsOrigins, pages } = this.#options;
    this.#hono.use(async (c, next) => this.#observe(c, next));
    if (corsOrigins && corsOrigins.length > 0) {
      this.#hono.use(
        "/v1/*",
        cors({ origin: [...corsOrigins], exposeHeaders: ["etag", "x-request-id", "retry-after"] }),
      );
    }
    for (const id of Object.keys(ROUTES) as RouteId[]) this.#serve(id, ROUTES[id]);
    const allowed = new Map<string, string[]>();
    for (const { path, method } of Object.values<Route>(ROUTES))
      allowed.set(path, [...(allowed.get(path) ?? []), method.toUpperCase()]);
    for (const [path, methods] of allowed) this.#refuseOthers(path, methods);
    if (pages) {
      this.#access.mount(this.#hono);
      this.#hono.route("/", pages({ ...this.#host, access: this.#access }));
    }
    this.#hono.notFound((c) => this.#refuse(c, notFound(new URL(c.req.url).pathname)));
    this.#hono.onError((error, c) => this.#refuse(c, error));
  }

  /** Every request passes here: it gets an id, and is told of once it is answered. */
  async #observe(c: Context, next: () => Promise<void>): Promise<void> {
    const startedAtMs = this.#clock.now();
    const given = c.req.header("x-request-id") ?? "";
    const requestId = REQUEST_ID.test(given) ? given : this.#host.engine.newId();
    c.set("requestId", requestId);
    c.set("routeId", "none");
    const refused = hostRefused(c, this.#options.hosts);
    if (refused) c.res = this.#refuse(c, refused);
    else await next();
    c.res.headers.set("x-request-id", requestId);
    for (const [name, value] of Object.entries(HEADERS))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    this.#tell(c, this.#clock.now() - startedAtMs);
  }

  #tell(c: Context, ms: number): void {
    const route = c.get("routeId");
    const failure = c.get("failure");
    const { status } = c.res;
    this.#host.metrics.count(route === "page" ? "none" : route, status, ms);
    this.#options.onRequest?.({
      ...{ requestId: c.get("requestId"), method: c.req.method, route, status, ms },
      keyId: c.get("principal")?.keyId ?? "",
      code: failure === undefined ? null : foreseen(failure).code,
      error:
        status >= 500 && failure !== undefined
          ? String(failure instanceof Error ? failure.stack : failure)
          : null,
    });
  }

  #serve(id: RouteId, route: Route): void {
    this.#hono[route.method as Method](patternOf(route.path), async (c) => {
      c.set("routeId", id);
      const principal = await this.#principal(c, route);
      const asked: Asked = {
        request: c.req.raw,
        requestId: c.get("requestId"),
        principal,
        params: c.req.param() as Record<string, string>,
        query: c.req.query(),
      };
      return answer(this.#host, id, asked);
    });
  }

  async #principal(c: Context, { scope }: Route): Promise<Principal> {
    const principal = scope === null ? LOCAL : await this.#admitted(c);
    c.set("principal", principal);
    // Probes come often, and from where they come says nothing.
    if (scope !== null) await assertRate(this.#limiter, principal.keyId || addressOf(c));
    return principal;
  }

  async #admitted(c: Context): Promise<Principal> {
    if (this.#options.open) return LOCAL;
    const authorization = c.req.header("authorization");
    // A page reads by the cookie of who looks at it; only a form with its token changes anything.
    const isPage = authorization === undefined && c.req.method === "GET";
    const reader = isPage ? await this.#access.principalOf(c) : null;
    return reader ?? principalOf(this.#host.engine, authorization ?? null);
  }

  #refuseOthers(path: string, methods: readonly string[]): void {
    this.#hono.all(patternOf(path), (c) => {
      const error = new DethroneError("method_not_allowed", `${path} takes ${methods.join(" or ")}.`, {
        received: c.req.method,
        allowed: methods,
      });
      const response = this.#refuse(c, error);
      response.headers.set("allow", methods.join(", "));
      return response;
    });
  }

  #refuse(c: Context, error: unknown): Response {
    c.set("failure", error);
    return failureResponse(foreseen(error), c.get("requestId"));
  }

  async fetch(request: Request, bindings: AppEnvironment["Bindings"] = {}): Promise<Response> {
    return this.#hono.fetch(request, bindings);
  }

  announce(results: readonly TickResult[]): void {
    this.#host.events.announce(results);
  }

  close(): void {
    this.#host.events.close();
  }
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
