/**
 * The operations of the server that a client asks for. The types come from the contract and hold each line to it; the
 * contract itself, with its schemas, stays out of what a client loads.
 */
import { DethroneError } from "../core/errors.js";
import type { RouteId, RouteRequest, Routes } from "../server/contract/routes.js";

type ClientRoutes = { readonly [Id in RouteId]?: Pick<Routes[Id], "method" | "path"> };

/** Where each operation is found. */
export const CLIENT_ROUTES = {
  createProject: { method: "post", path: "/v1/projects" },
  getSnapshot: { method: "get", path: "/v1/projects/{project}/snapshot" },
  record: { method: "post", path: "/v1/records" },
  listConfigs: { method: "get", path: "/v1/projects/{project}/configs" },
  diffConfigs: { method: "get", path: "/v1/projects/{project}/diff" },
  labelConfig: { method: "put", path: "/v1/projects/{project}/configs/{config}/label" },
  getHistory: { method: "get", path: "/v1/projects/{project}/history" },
  rollback: { method: "post", path: "/v1/projects/{project}/rollback" },
  setHoldout: { method: "put", path: "/v1/projects/{project}/holdout" },
  listOverrides: { method: "get", path: "/v1/projects/{project}/overrides" },
  setOverride: { method: "put", path: "/v1/projects/{project}/overrides/{unit}" },
  challenge: { method: "post", path: "/v1/projects/{project}/experiments" },
  listExperiments: { method: "get", path: "/v1/projects/{project}/experiments" },
  draftExperiment: { method: "post", path: "/v1/projects/{project}/drafts" },
  editExperiment: { method: "patch", path: "/v1/projects/{project}/experiments/{experiment}" },
  startExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/start" },
  pauseExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/pause" },
  resumeExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/resume" },
  reviseExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/revise" },
  dropChallenger: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/drop" },
  abortExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/abort" },
  promoteChallenger: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/promote" },
  approvePromotion: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/approve" },
  declinePromotion: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/decline" },
  archiveExperiment: { method: "post", path: "/v1/projects/{project}/experiments/{experiment}/archive" },
  getEvaluation: { method: "get", path: "/v1/projects/{project}/experiments/{experiment}/evaluation" },
  getReport: { method: "get", path: "/v1/projects/{project}/experiments/{experiment}/report" },
  listEvaluations: { method: "get", path: "/v1/evaluations" },
  getQueue: { method: "get", path: "/v1/projects/{project}/queue" },
  moveInQueue: { method: "put", path: "/v1/projects/{project}/queue/{experiment}" },
  setBudget: { method: "put", path: "/v1/projects/{project}/budget" },
  getTrajectory: { method: "get", path: "/v1/projects/{project}/experiments/{experiment}/trajectory" },
} as const satisfies ClientRoutes;

/** Id of an operation that clients ask for. */
export type ClientRouteId = keyof typeof CLIENT_ROUTES;

/** Path and query of a request. @throws DethroneError `input_invalid` for a name that no path can hold */
export function targetOf<Id extends ClientRouteId>(
  id: Id,
  { params, query }: Pick<RouteRequest<Id>, "params" | "query">,
): string {
  const named = params as Readonly<Record<string, string>>;
  const path = CLIENT_ROUTES[id].path.replace(/\{(\w+)\}/g, (_, name: string) => segment(named[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search}`;
}

function segment(name: string): string {
  // Whoever reads the address takes these for steps, however they are written.
  if (name !== "" && name !== "." && name !== "..") return encodeURIComponent(name);
  throw new DethroneError("input_invalid", `'${name}' cannot be asked for by an address.`, {
    received: name,
  });
}
