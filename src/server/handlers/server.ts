/**
 * The server itself: its events, its health, its document.
 */
import { DethroneError } from "../../core/errors.js";
import type { Principal } from "../../engine/access/keys.js";
import { openApiDocument } from "../contract/openapi.js";
import { streamOf } from "../stream.js";
import type { Handlers } from "./handler.js";

/** @throws DethroneError `input_invalid`; `scope_missing` for a key of some projects that asks for all */
function assertExport(
  { what, project, format }: { what: string; project: string | undefined; format: string },
  { projects }: Principal,
): void {
  if (what === "everything" && (format === "csv" || project !== undefined)) {
    const message = "Everything is all projects as JSON lines: choose one kind of record with 'what'.";
    throw new DethroneError("input_invalid", message, { received: what });
  }
  if (projects === null || project !== undefined) return;
  const message = "The key is not for all projects: name one of its own.";
  throw new DethroneError("scope_missing", message, { allowed: projects });
}

/** Answers what is asked of the server. */
export const serverHandlers: Handlers<
  "streamEvents" | "exportAll" | "getHealth" | "getMetrics" | "isLive" | "isReady" | "getOpenApi"
> = {
  async streamEvents({ events }, { query, principal, request }) {
    // Nobody would read it to its end.
    if (request.method === "HEAD") return { contentType: "text/event-stream", plain: "" };
    const projects = query.project === undefined ? principal.projects : [query.project];
    const lastEventId = request.headers.get("last-event-id");
    const plain = await events.listen({ projects, lastEventId, signal: request.signal });
    return { contentType: "text/event-stream", plain };
  },

  async exportAll({ engine }, { query, principal, request }) {
    const { what = "everything", project, format = "jsonl" } = query;
    assertExport({ what, project, format }, principal);
    const contentType = format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson";
    if (request.method === "HEAD") return { contentType, plain: "" };
    const pieces =
      what === "everything"
        ? engine.transfer.exportEverything()
        : engine.transfer.exportLines({ what, project, format });
    return { contentType, plain: await streamOf(pieces) };
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
