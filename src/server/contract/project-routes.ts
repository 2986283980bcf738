/**
 * Operations on projects and their configs.
 */
import * as experiments from "./experiments.js";
import { nothing, type Route } from "./route.js";
import { page } from "./schemas.js";
import { snapshot } from "./sessions.js";

/** Operations on projects, by their ids. */
export const projectRoutes = {
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
    // Every few seconds from each process, however many share a key.
    isPaced: true,
    summary: "All that assigning the project's sessions takes",
    response: snapshot,
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
    query: page,
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
