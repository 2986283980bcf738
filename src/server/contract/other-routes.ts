/**
 * Operations on sessions and decisions, and on the server itself.
 */
import { z } from "zod";
import * as numbers from "./numbers.js";
import * as planning from "./planning.js";
import type { Route } from "./route.js";
import { objectOf, text } from "./schemas.js";
import * as sessions from "./sessions.js";

/** Operations on sessions, by their ids. */
export const sessionRoutes = {
  startSession: {
    method: "post",
    path: "/v1/projects/{project}/sessions",
    scope: "record",
    summary: "Starts or resumes a session: the server says which config it gets",
    body: sessions.sessionStart,
    response: sessions.servedSession,
    status: 201,
  },
  addSignal: {
    method: "post",
    path: "/v1/sessions/{session}/signals",
    scope: "record",
    summary: "Records a signal of a session",
    body: sessions.signal,
    response: sessions.receipt,
  },
  endSession: {
    method: "post",
    path: "/v1/sessions/{session}/end",
    scope: "record",
    summary: "Ends a session; with a score it settles at once",
    body: sessions.sessionEnd,
    response: sessions.receipt,
  },
  record: {
    method: "post",
    path: "/v1/records",
    scope: "record",
    // One batch at a time, which grows as answers take longer.
    isPaced: true,
    summary: "Starts, signals and ends of sessions that a client has placed by a snapshot, in order",
    body: sessions.records,
    response: sessions.recordResults,
  },
  listSessions: {
    method: "get",
    path: "/v1/sessions",
    scope: "read",
    summary: "Sessions, newest first",
    query: sessions.sessionQuery,
    response: sessions.sessionPage,
  },
  getSession: {
    method: "get",
    path: "/v1/sessions/{session}",
    scope: "read",
    summary: "One session in full",
    response: sessions.sessionDetail,
  },
} as const satisfies Record<string, Route>;

/** Operations on decisions, by their ids. */
export const decisionRoutes = {
  listDecisions: {
    method: "get",
    path: "/v1/decisions",
    scope: "read",
    summary: "Decisions, newest first",
    query: numbers.decisionsQuery,
    response: numbers.decisions,
  },
  getDecision: {
    method: "get",
    path: "/v1/decisions/{decision}",
    scope: "read",
    summary: "A decision with all it was made from",
    response: numbers.decision,
  },
  verifyDecision: {
    method: "post",
    path: "/v1/decisions/{decision}/verify",
    scope: "read",
    summary: "Recomputes a decision from the session log",
    response: numbers.verification,
  },
  tick: {
    method: "post",
    path: "/v1/ticks",
    scope: "admin",
    summary: "Settles, folds and decides, now",
    body: numbers.tick,
    response: numbers.tickResults,
  },
  simulate: {
    method: "post",
    path: "/v1/simulations",
    scope: "read",
    summary: "How often a policy promotes, holds and aborts, on simulated sessions",
    body: planning.simulation,
    response: planning.simulationResult,
  },
  plan: {
    method: "post",
    path: "/v1/plans",
    scope: "read",
    summary: "How long an experiment takes, and what it can find",
    body: planning.plan,
    response: planning.planResult,
  },
} as const satisfies Record<string, Route>;

/** Operations on the server itself, by their ids. */
export const serverRoutes = {
  streamEvents: {
    method: "get",
    path: "/v1/events",
    scope: "read",
    summary:
      "Server-sent events: the audit log as it grows, resumable by Last-Event-ID, and evaluations after ticks",
    query: z.strictObject({ project: text.optional() }),
    response: z.string(),
    contentType: "text/event-stream",
  },
  exportAll: {
    method: "get",
    path: "/v1/export",
    scope: "admin",
    summary:
      "What is stored at this instant, as a stream: everything, for a key of all projects, or one kind of record as JSON lines or CSV. An export of everything without its last line is cut off",
    query: z.strictObject({
      what: z.enum(["everything", "sessions", "signals", "experiments", "decisions", "history"]).optional(),
      project: text.optional(),
      format: z.enum(["jsonl", "csv"]).optional(),
    }),
    response: z.string(),
    contentType: "application/x-ndjson",
  },
  getHealth: {
    method: "get",
    path: "/v1/health",
    scope: "read",
    summary: "How the engine of this server is doing",
    response: z.object({
      status: z.enum(["ok", "degraded", "off", "closed"]),
      sessionsDropped: z.number(),
      writesFailed: z.number(),
      callbacksFailed: z.number(),
      listenersFailed: z.number(),
      queueLength: z.number(),
      spool: objectOf("what waits beside the database"),
      lastError: z.string().nullable(),
    }),
  },
  getMetrics: {
    method: "get",
    path: "/metrics",
    scope: "read",
    summary: "Metrics as Prometheus text",
    response: z.string(),
    contentType: "text/plain",
  },
  isLive: {
    method: "get",
    path: "/healthz",
    scope: null,
    summary: "Whether the process is alive",
    response: z.object({ status: z.literal("ok") }),
  },
  isReady: {
    method: "get",
    path: "/readyz",
    scope: null,
    summary: "Whether requests can be answered: the database is reachable and its schema current",
    response: z.object({ status: z.literal("ok") }),
  },
  getOpenApi: {
    method: "get",
    path: "/openapi.json",
    scope: null,
    summary: "This document",
    response: objectOf("an OpenAPI 3.1 document"),
  },
} as const satisfies Record<string, Route>;
