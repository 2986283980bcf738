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
  streamEvents({ events }, { query, principal, headers, signal }) {
    const projects = query.project === undefined ? principal.projects : [query.project];
    return events.listen({ projects, lastEventId: headers.get("last-event-id"), signal });
  },

  getHealth({ engine }) {
    const health = engine.health();
    return { ...health, spool: { ...health.spool } };
  },

  async getMetrics({ engine, metrics }, { principal }) {
    const text = metrics.text(engine.health(), await engine.projects(principal));
    return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
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
