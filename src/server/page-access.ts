/**
 * Who looks at a page, and whether a form is theirs: a cookie that stands for a key, and a token beside it in each form.
 *
 * The cookie is 32 random bytes that only this process knows the key of, so a restart asks everyone to come in again. It
 * lets in as long as its key does. Forms are believed where the browser says that they come from here, and where they
 * carry the token made of the cookie.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context, Hono, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { DethroneError, isDethroneError } from "../core/errors.js";
import type { Principal } from "../engine/access/keys.js";
import type { Engine } from "../engine/engine.js";
import { assertRate, LOCAL } from "./access.js";
import type { AppEnvironment } from "./app.js";

type PageContext = Context<AppEnvironment>;

/** Someone who came in. */
interface Visit {
  /** SHA-256 of the key */
  readonly keyHash: string;
  readonly expiresAtMs: number;
}

const COOKIE = "dethrone_session";
/** Name of the field of a form that has its token. */
export const CSRF_FIELD = "csrf";
const VISIT_MS = 12 * 3_600_000;
const VISITS_MAX = 10_000;
const LOGINS_PER_MINUTE = 10;

/** Lets people in to the pages. */
export class PageAccess {
  readonly #engine: Engine;
  readonly #isOpen: () => boolean;
  /** by the SHA-256 of the cookie */
  readonly #visits = new Map<string, Visit>();
  readonly #secret = randomBytes(32);
  readonly #logins = new RateLimiterMemory({ points: LOGINS_PER_MINUTE, duration: 60 });

  constructor(engine: Engine, { isOpen }: { readonly isOpen: () => boolean }) {
    this.#engine = engine;
    this.#isOpen = isOpen;
  }

  /** Whether everybody is let in, because only this machine reaches the server. */
  get isOpen(): boolean {
    return this.#isOpen();
  }

  /** Adds `POST /login` (fields `key` and `next`) and `POST /logout`; the page of `GET /login` is the dashboard's. */
  mount(app: Hono<AppEnvironment>): void {
    app.post("/login", (c) => this.#login(c));
    app.post("/logout", async (c) => {
      await this.verifyCsrf(c);
      this.#visits.delete(hashOf(getCookie(c, COOKIE) ?? ""));
      deleteCookie(c, COOKIE, { path: "/" });
      return c.redirect("/login", 303);
    });
  }

  async #login(c: PageContext): Promise<Response> {
    assertFromHere(c);
    await assertRate(this.#logins, c.env?.incoming?.socket.remoteAddress ?? "local");
    const { key, next } = await c.req.parseBody();
    const target = pathOf(next);
    try {
      const keyText = typeof key === "string" ? key.trim() : "";
      await this.#engine.keys.authenticate(keyText);
      this.#begin(c, hashOf(keyText));
      return c.redirect(target, 303);
    } catch (error) {
      if (!isDethroneError(error) || error.code !== "key_rejected") throw error;
      return c.redirect(`/login?${new URLSearchParams({ error: "key_rejected", next: target })}`, 303);
    }
  }

  /** A new cookie at each coming in: one that was planted before is worth nothing. */
  #begin(c: PageContext, keyHash: string): void {
    this.#visits.delete(hashOf(getCookie(c, COOKIE) ?? ""));
    const token = randomBytes(32).toString("base64url");
    this.#visits.set(hashOf(token), { keyHash, expiresAtMs: this.#engine.now() + VISIT_MS });
    if (this.#visits.size > VISITS_MAX) this.#visits.delete(this.#visits.keys().next().value as string);
    setSession(c, token);
  }

  /** Who looks, by the cookie; null for nobody who may. */
  async principalOf(c: PageContext): Promise<Principal | null> {
    if (this.#isOpen()) return LOCAL;
    const id = hashOf(getCookie(c, COOKIE) ?? "");
    const visit = this.#visits.get(id);
    if (!visit) return null;
    try {
      if (this.#engine.now() < visit.expiresAtMs)
        return await this.#engine.keys.authenticateHash(visit.keyHash);
    } catch (error) {
      if (!isDethroneError(error) || error.code !== "key_rejected") throw error;
    }
    this.#visits.delete(id);
    return null;
  }

  /** Lets through who may look, as `c.get("principal")`; sends everybody else to `/login`. */
  readonly requirePrincipal: MiddlewareHandler<AppEnvironment> = async (c, next) => {
    const principal = await this.principalOf(c);
    if (!principal) {
      const { pathname, search } = new URL(c.req.url);
      return c.redirect(`/login?${new URLSearchParams({ next: pathname + search })}`, 303);
    }
    c.set("principal", principal);
    return next();
  };

  /** The token that a form of this visitor carries in its field {@link CSRF_FIELD}. */
  csrfToken(c: PageContext): string {
    const known = getCookie(c, COOKIE);
    if (known !== undefined) return this.#tokenOf(known);
    const token = randomBytes(32).toString("base64url");
    setSession(c, token);
    return this.#tokenOf(token);
  }

  #tokenOf(cookie: string): string {
    return createHmac("sha256", this.#secret).update(cookie).digest("base64url");
  }

  /** Whether a form is this visitor's own. @throws DethroneError `csrf_rejected` */
  async verifyCsrf(c: PageContext): Promise<void> {
    assertFromHere(c);
    const cookie = getCookie(c, COOKIE);
    const { [CSRF_FIELD]: given } = await c.req.parseBody();
    if (cookie !== undefined && typeof given === "string" && areEqual(given, this.#tokenOf(cookie))) return;
    throw new DethroneError("csrf_rejected", "The form is too old or not from here. Load the page again.");
  }
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** In constant time, whatever the lengths. */
function areEqual(left: string, right: string): boolean {
  const [a, b] = [left, right].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}

function setSession(c: PageContext, token: string): void {
  const isSecure = new URL(c.req.url).protocol === "https:" || c.req.header("x-forwarded-proto") === "https";
  setCookie(c, COOKIE, token, {
    ...{ path: "/", httpOnly: true, sameSite: "Strict", secure: isSecure },
    maxAge: VISIT_MS / 1000,
  });
}

/** A path of this server; anything else leads to the front page. */
function pathOf(next: unknown): string {
  const isPath = typeof next === "string" && /^\/(?![/\\])[^\\\s]*$/.test(next);
  return isPath ? next : "/";
}

/** Browsers say where a form comes from, and pages cannot change it. @throws DethroneError `csrf_rejected` */
function assertFromHere(c: PageContext): void {
  const origin = c.req.header("origin");
  const here = c.req.header("host") ?? new URL(c.req.url).host;
  const site = c.req.header("sec-fetch-site");
  const isHere =
    origin === undefined ? site === "same-origin" : URL.canParse(origin) && new URL(origin).host === here;
  if (isHere) return;
  throw new DethroneError("csrf_rejected", "The form comes from another site.", {
    received: origin?.slice(0, 200) ?? null,
  });
}
