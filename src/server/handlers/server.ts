/**
 * The server itself: its events, its health, its document.
 */
import { DethroneError } from "../../core/errors.js";
import { openApiDocument } from "../contract/openapi.js";
import type { Handlers } from "./handler.js";

/** Answers what is asked of the server. */
export const serverHandlers: Handlers<
  "streamEvents" | "getHealth" | "getMetrics" | "isLive" | "isReady" | "getOpenApi"
> = {
  async streamEvents({ events }, { query, principal, request }) {
    // Nobody would read it to its end.
    if (request.method === "HEAD") return { contentType: "text/event-stream", plain: "" };
    const projects = query.project === undefined ? principal.projects : [query.project];
    const lastEventId = request.headers.get("last-event-id");
    const plain = await events.listen({ projects, lastEventId, signal: request.signal });
    return { contentType: "text/event-stream", plain };
  },

  getHealth({ engine }) {
    const health = engine.health();
    return { ...health, spool: { ...health.spool } };
  },

  async getMetrics({ engine, metrics }, { principal }) {
    const plain = metrics.text(engine.health(), await engine.projects(principal));
    return { contentType: "text/plain; version=0.0.4; charset=utf-8", plain };
  },

  isLive: () => ({ status: "ok" }),

  async isReady({ engine }) {
    const { status } = engine.health();
    // Asks the database, whatever it was like last.
    await engine.projectKeys();
    if (status === "ok") return { status };
    throw new DethroneError("storage_unavailable", `The engine is ${status}.`, { status });
  },

  getOpenApi: ({ version }) => openApiDocument(version),
};
