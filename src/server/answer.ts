/**
 * From a request to the answer of its operation: checked on the way in, tagged on the way out, and answered once where it
 * names itself.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { DethroneError, isDethroneError, type JsonObject, received } from "../core/errors.js";
import type { Principal } from "../engine/access/keys.js";
import { assertMay } from "./access.js";
import type { Route } from "./contract/route.js";
import { ROUTES, type RouteId } from "./contract/routes.js";
import { text } from "./contract/schemas.js";
import { type Answer, BASE_HEADERS, JSON_HEADERS, PROBLEM_HEADERS, problemOf, statusOf } from "./failure.js";
import { decisionHandlers } from "./handlers/decisions.js";
import { experimentHandlers } from "./handlers/experiments.js";
import { governanceHandlers } from "./handlers/governance.js";
import type { Handler, Handlers, Host, Plain } from "./handlers/handler.js";
import { projectHandlers } from "./handlers/projects.js";
import { serverHandlers } from "./handlers/server.js";
import { sessionHandlers } from "./handlers/sessions.js";
import { studyHandlers } from "./handlers/studies.js";
import { webhookHandlers } from "./handlers/webhooks.js";
import { type Body, readBody } from "./read-body.js";

/** A handler for every operation. */
const HANDLERS: Handlers<RouteId> = {
  ...projectHandlers,
  ...experimentHandlers,
  ...sessionHandlers,
  ...studyHandlers,
  ...decisionHandlers,
  ...governanceHandlers,
  ...webhookHandlers,
  ...serverHandlers,
};

/** A request on its way to its operation. */
export interface Asked {
  readonly request: Request;
  readonly requestId: string;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

const NO_BODY: Body = { text: "", json: {} };
const NO_QUERY = z.strictObject({});
const ISSUES_MAX = 10;

/** What a schema makes of a value. @throws DethroneError `input_invalid` with what is wrong where */
function checked(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.slice(0, ISSUES_MAX).map(({ path, message }) => ({
    ...{ path: [where, ...path].map(String).join("."), message },
  }));
  const [first] = issues;
  throw new DethroneError("input_invalid", `${first?.path ?? where}: ${first?.message ?? "is invalid"}.`, {
    issues: received(issues),
  });
}

const digest = (content: string): string => createHash("sha256").update(content).digest("base64url");

/** An answer as JSON; of what is read, with a tag by which it can be asked for again. */
function tagged(body: string, { method, headers }: Request, status: number): Answer {
  if (method !== "GET" && method !== "HEAD") return { status, headers: JSON_HEADERS, body };
  const etag = `"${digest(body).slice(0, 27)}"`;
  const tags = { ...BASE_HEADERS, etag, "cache-control": "private, no-cache" };
  const known = (headers.get("if-none-match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) return { status: 304, headers: tags, body: null };
  return { status, headers: { ...JSON_HEADERS, ...tags }, body };
}

/** What a path's parameters are, once they are texts that can be asked for. */
function checkedParams(params: Asked["params"]): JsonObject {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(params)) texts[name] = checked(text, value, name) as string;
  return texts;
}

type HandlerCall = Parameters<Handler<RouteId>>[1];

/** What a handler is called with. @throws DethroneError `input_invalid`, `scope_missing` */
function callOf(id: RouteId, { request, principal, ...asked }: Asked, body: Body): HandlerCall {
  const route: Route = ROUTES[id];
  const params = checkedParams(asked.params);
  const query = checked(route.query ?? NO_QUERY, asked.query, "query") as JsonObject;
  const input = route.body ? (checked(route.body, body.json, "body") as JsonObject) : undefined;
  assertMay(principal, route, projectsNamed(id, { params, query, input }));
  return { params, query, body: input, principal, request } as HandlerCall;
}

/** What is answered of what a handler has told. */
function answerOf(id: RouteId, told: unknown, request: Request): Answer {
  const route: Route = ROUTES[id];
  const isPlain =
    route.contentType !== undefined || (route.otherTypes !== undefined && "plain" in (told as object));
  if (!isPlain) return tagged(JSON.stringify(told), request, route.status ?? 200);
  const { contentType, plain } = told as Plain;
  return { status: 200, headers: { ...JSON_HEADERS, "content-type": contentType }, body: plain };
}

/** Has an operation done. @throws DethroneError why it is refused */
function done(host: Host, id: RouteId, asked: Asked, body: Body): ReturnType<Handler<RouteId>> {
  return (HANDLERS[id] as Handler<RouteId>)(host, callOf(id, asked, body));
}

/** Projects that a request names, wherever it does. */
function projectsNamed(
  id: RouteId,
  { params, query, input }: { params: JsonObject; query: JsonObject; input: JsonObject | undefined },
): readonly (string | undefined)[] {
  const inBody = id === "createProject" ? input?.key : input?.project;
  return [params.project, query.project, inBody] as (string | undefined)[];
}

/** What there is elsewhere is nothing to whoever may not look there. */
function withoutOthers(error: DethroneError, { projects }: Principal): DethroneError {
  if (error.code !== "project_not_found" || projects === null) return error;
  const { received: key = null } = error.details;
  return new DethroneError("project_not_found", `There is no project '${String(key)}'.`, { received: key });
}

const KEY_FORM = /^[\x21-\x7e]{1,255}$/;

/** The name that a request has given itself. @throws DethroneError `input_invalid` */
function idempotencyKeyOf(request: Request): string | null {
  const key = request.headers.get("idempotency-key");
  if (key === null || request.method === "GET" || request.method === "HEAD") return null;
  if (KEY_FORM.test(key)) return key;
  throw new DethroneError("input_invalid", "Idempotency-Key must be 1 to 255 visible ASCII characters.", {
    field: "Idempotency-Key",
  });
}

/** Answers a request that names itself: the first time by the operation, then by what was answered. */
async function answerNamed(
  host: Host,
  id: RouteId,
  asked: Asked,
  { body, idempotencyKey }: { readonly body: Body; readonly idempotencyKey: string },
): Promise<Answer> {
  const { request, principal } = asked;
  const { replies } = host.engine;
  const key = { keyId: principal.keyId, idempotencyKey };
  const { pathname, search } = new URL(request.url);
  const kept = await replies.begin(key, digest(`${request.method} ${pathname}${search}\n${body.text}`));
  if (kept) {
    const headers = kept.status >= 400 ? PROBLEM_HEADERS : JSON_HEADERS;
    return { ...kept, headers: { ...headers, "idempotent-replayed": "true" } };
  }
  let reply: { readonly status: number; readonly body: string } | null = null;
  try {
    const first = answerOf(id, await done(host, id, asked, body), request);
    if (typeof first.body === "string") reply = { status: first.status, body: first.body };
    return first;
  } catch (error) {
    // A refusal is an answer too, and stays one.
    if (isDethroneError(error) && statusOf(error) < 500 && error.kind !== "throttled") {
      const problem = problemOf(withoutOthers(error, principal), asked.requestId);
      reply = { status: problem.status, body: JSON.stringify(problem) };
    }
    throw error;
  } finally {
    await (reply ? replies.finish(key, reply) : replies.drop(key));
  }
}

/** Answers a request of an operation. @throws DethroneError why it is refused */
export async function answer(host: Host, id: RouteId, asked: Asked): Promise<Answer> {
  try {
    const idempotencyKey = idempotencyKeyOf(asked.request);
    // A key that may not is told so before its body is read.
    assertMay(asked.principal, ROUTES[id], [asked.params.project]);
    const body = "body" in ROUTES[id] ? await readBody(asked.request) : NO_BODY;
    if (idempotencyKey !== null) return await answerNamed(host, id, asked, { body, idempotencyKey });
    return answerOf(id, await done(host, id, asked, body), asked.request);
  } catch (error) {
    throw isDethroneError(error) ? withoutOthers(error, asked.principal) : error;
  }
}
