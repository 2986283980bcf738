/**
 * Every operation of the API as data: what the server answers, what the client asks and what the document says are made
 * from this one table.
 */
import { z } from "zod";
import type { Scope } from "../../engine/ports.js";
import * as experiments from "./experiments.js";
import * as planning from "./planning.js";
import { byHand, objectOf } from "./schemas.js";
import * as sessions from "./sessions.js";

/** An operation. */
export interface Route {
  readonly method: "get" | "post" | "put" | "patch";
  /** with its parameters in braces */
  readonly path: string;
  /** what a key must be allowed; null: anyone */
  readonly scope: Scope | null;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** of a success */
  readonly response: z.ZodType;
  /** of a success; default 200 */
  readonly status?: 200 | 201;
  /** of a success; default application/json */
  readonly contentType?: "text/plain" | "text/event-stream";
}

const nothing = z.object({});
const textAnswer = z.string();

const projectRoutes = {
  listProjects: {
    method: "get",
    path: "/v1/projects",
    scope: "read",
    summary: "All projects at one look",
    response: experiments.projects,
  },
  createProject: {
    method: "post",
    path: "/v1/projects",
    scope: "admin",
    summary: "Creates a project with its first champion",
    body: experiments.newProject,
    response: experiments.createdProject,
    status: 201,
  },
  getProject: {
    method: "get",
    path: "/v1/projects/{project}",
    scope: "read",
    summary: "One project, with what its experiments have promoted",
    response: experiments.project,
  },
  getSnapshot: {
    method: "get",
    path: "/v1/projects/{project}/snapshot",
    scope: "record",
    summary: "All that assigning the project's sessions takes",
    response: sessions.snapshot,
  },
  listConfigs: {
    method: "get",
    path: "/v1/projects/{project}/configs",
    scope: "read",
    summary: "Every config of a project with its lineage, oldest first",
    response: experiments.configs,
  },
  diffConfigs: {
    method: "get",
    path: "/v1/projects/{project}/diff",
    scope: "read",
    summary: "What differs between two configs, each by its label or the beginning of its hash",
    query: experiments.diffQuery,
    response: experiments.diff,
  },
  labelConfig: {
    method: "put",
    path: "/v1/projects/{project}/configs/{config}/label",
    scope: "admin",
    summary: "Names a config; null takes its name away",
    body: experiments.label,
    response: nothing,
  },
  getHistory: {
    method: "get",
    path: "/v1/projects/{project}/history",
    scope: "read",
    summary: "The audit log, newest first",
    query: experiments.decisionsQuery.pick({ limit: true, cursor: true }),
    response: experiments.history,
  },
  rollback: {
    method: "post",
    path: "/v1/projects/{project}/rollback",
    scope: "admin",
    summary: "Makes a former champion the champion again, by default the one before",
    body: experiments.rollback,
    response: experiments.reigning,
  },
  setHoldout: {
    method: "put",
    path: "/v1/projects/{project}/holdout",
    scope: "admin",
    summary: "Holds a share of the units out of every experiment from the next one on",
    body: experiments.holdout,
    response: nothing,
  },
  listOverrides: {
    method: "get",
    path: "/v1/projects/{project}/overrides",
    scope: "read",
    summary: "Units that were given an arm by hand",
    response: experiments.overrides,
  },
  setOverride: {
    method: "put",
    path: "/v1/projects/{project}/overrides/{unit}",
    scope: "admin",
    summary: "Gives a unit an arm of the experiment in the slot, to try it; null takes it away",
    body: experiments.override,
    response: nothing,
  },
} as const satisfies Record<string, Route>;

const experimentRoutes = {
  challenge: {
    method: "post",
    path: "/v1/projects/{project}/experiments",
    scope: "admin",
    summary: "Starts a contest; the same challenge again returns the one there is",
    body: experiments.challenge,
    response: experiments.challengeResult,
  },
  listExperiments: {
    method: "get",
    path: "/v1/projects/{project}/experiments",
    scope: "read",
    summary: "Experiments of a project, newest first",
    query: experiments.experimentsQuery,
    response: experiments.experiments,
  },
  previewChallenge: {
    method: "post",
    path: "/v1/projects/{project}/preview",
    scope: "read",
    summary: "What a challenge would come to; nothing is written",
    body: experiments.challenge,
    response: experiments.challengePreview,
  },
  draftExperiment: {
    method: "post",
    path: "/v1/projects/{project}/drafts",
    scope: "admin",
    summary: "Plans a contest that starts later",
    body: experiments.draft,
    response: experiments.challengeResult,
  },
  getExperiment: {
    method: "get",
    path: "/v1/projects/{project}/experiments/{experiment}",
    scope: "read",
    summary: "An experiment by its id, the beginning of it, or `current`",
    response: experiments.experiment,
  },
  editExperiment: {
    method: "patch",
    path: "/v1/projects/{project}/experiments/{experiment}",
    scope: "admin",
    summary: "Edits a draft, or what people say of an experiment",
    body: experiments.edit,
    response: experiments.experiment,
  },
  startExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/start",
    scope: "admin",
    summary: "Starts a draft against the present champion",
    body: byHand,
    response: experiments.experiment,
  },
  pauseExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/pause",
    scope: "admin",
    summary: "Everyone gets the champion until it is resumed",
    body: byHand,
    response: nothing,
  },
  resumeExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/resume",
    scope: "admin",
    summary: "Resumes a paused experiment",
    body: byHand,
    response: nothing,
  },
  reviseExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/revise",
    scope: "admin",
    summary: "Changes horizon, share, futility or minPerArm, from the next session on",
    body: experiments.revision,
    response: nothing,
  },
  dropChallenger: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/drop",
    scope: "admin",
    summary: "Takes one of several challengers out of the contest",
    body: experiments.ofChallenger,
    response: nothing,
  },
  abortExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/abort",
    scope: "admin",
    summary: "Ends an experiment, or discards a draft",
    body: byHand,
    response: nothing,
  },
  promoteChallenger: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/promote",
    scope: "admin",
    summary: "Makes a challenger the champion, whatever the evidence",
    body: experiments.ofChallenger,
    response: nothing,
  },
  approvePromotion: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/approve",
    scope: "admin",
    summary: "Approves the promotion that waits",
    body: byHand,
    response: nothing,
  },
  declinePromotion: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/decline",
    scope: "admin",
    summary: "Declines the promotion that waits",
    body: byHand,
    response: nothing,
  },
  archiveExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/archive",
    scope: "admin",
    summary: "Puts an experiment that has ended away",
    body: byHand,
    response: nothing,
  },
  getEvaluation: {
    method: "get",
    path: "/v1/projects/{project}/experiments/{experiment}/evaluation",
    scope: "read",
    summary: "Every number of an experiment, from what is folded",
    response: experiments.evaluation,
  },
  getReport: {
    method: "get",
    path: "/v1/projects/{project}/experiments/{experiment}/report",
    scope: "read",
    summary: "One experiment in full",
    response: experiments.report,
  },
} as const satisfies Record<string, Route>;

const sessionRoutes = {
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

const decisionRoutes = {
  listDecisions: {
    method: "get",
    path: "/v1/decisions",
    scope: "read",
    summary: "Decisions, newest first",
    query: experiments.decisionsQuery,
    response: experiments.decisions,
  },
  getDecision: {
    method: "get",
    path: "/v1/decisions/{decision}",
    scope: "read",
    summary: "A decision with all it was made from",
    response: experiments.decision,
  },
  verifyDecision: {
    method: "post",
    path: "/v1/decisions/{decision}/verify",
    scope: "read",
    summary: "Recomputes a decision from the session log",
    response: experiments.verification,
  },
  tick: {
    method: "post",
    path: "/v1/ticks",
    scope: "admin",
    summary: "Settles, folds and decides, now",
    body: experiments.tick,
    response: experiments.tickResults,
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

const serverRoutes = {
  streamEvents: {
    method: "get",
    path: "/v1/events",
    scope: "read",
    summary:
      "Server-sent events: the audit log as it grows, resumable by Last-Event-ID, and evaluations after ticks",
    query: z.strictObject({ project: z.string().min(1).max(200).optional() }),
    response: textAnswer,
    contentType: "text/event-stream",
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
    response: textAnswer,
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

/** Every operation by its id. */
export const ROUTES = {
  ...projectRoutes,
  ...experimentRoutes,
  ...sessionRoutes,
  ...decisionRoutes,
  ...serverRoutes,
} as const satisfies Record<string, Route>;

/** The table of operations. */
export type Routes = typeof ROUTES;
/** Id of an operation. */
export type RouteId = keyof Routes;

type ParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;

type OutputOf<R, Part extends string> = R extends { readonly [P in Part]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

/** What an operation is asked with, checked. */
export interface RouteInput<Id extends RouteId> {
  readonly params: { readonly [Name in ParameterNames<Routes[Id]["path"]>]: string };
  readonly query: OutputOf<Routes[Id], "query">;
  readonly body: OutputOf<Routes[Id], "body">;
}

/** What an operation is asked with, as it is sent. */
export interface RouteRequest<Id extends RouteId> {
  readonly params: RouteInput<Id>["params"];
  readonly query?: Routes[Id] extends { readonly query: infer Q extends z.ZodType } ? z.input<Q> : undefined;
  readonly body?: Routes[Id] extends { readonly body: infer B extends z.ZodType } ? z.input<B> : undefined;
}

type DeepReadonly<T> = T extends readonly unknown[] | Record<string, unknown>
  ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T;

/** What an operation answers when it succeeds. */
export type RouteOutput<Id extends RouteId> = DeepReadonly<z.output<Routes[Id]["response"]>>;

/** Names of the parameters in a path, in order. */
export function parameterNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
}
