/**
 * Operations on studies.
 */
import type { Route } from "./route.js";
import * as studies from "./studies.js";

/** Operations on studies, by their ids. */
export const studyRoutes = {
  listStudies: {
    method: "get",
    path: "/v1/projects/{project}/studies",
    scope: "read",
    summary:
      "Studies of a project, newest first: observational comparisons of sessions outside of experiments",
    query: studies.studiesQuery,
    response: studies.studies,
  },
  createStudy: {
    method: "post",
    path: "/v1/projects/{project}/studies",
    scope: "admin",
    summary: "Makes a study; it changes nothing of what is served, and never promotes",
    body: studies.newStudy,
    response: studies.study,
    status: 201,
  },
  getStudy: {
    method: "get",
    path: "/v1/projects/{project}/studies/{study}",
    scope: "read",
    summary: "One study",
    response: studies.study,
  },
  getStudyReport: {
    method: "get",
    path: "/v1/projects/{project}/studies/{study}/report",
    scope: "read",
    summary: "What a study has found: observational",
    response: studies.studyReport,
  },
  concludeStudy: {
    method: "post",
    path: "/v1/projects/{project}/studies/{study}/conclude",
    scope: "admin",
    summary: "Ends a study: what it has found stays as it is",
    body: studies.studyByHand,
    response: studies.studyReport,
  },
  archiveStudy: {
    method: "post",
    path: "/v1/projects/{project}/studies/{study}/archive",
    scope: "admin",
    summary: "Puts a concluded study away",
    body: studies.studyByHand,
    response: studies.study,
  },
  tagSession: {
    method: "put",
    path: "/v1/sessions/{session}/tags/{study}",
    scope: "record",
    summary: "Gives a session an arm of a study by hand; another arm later is a conflict",
    body: studies.tag,
    response: studies.tagReceipt,
  },
} as const satisfies Record<string, Route>;
