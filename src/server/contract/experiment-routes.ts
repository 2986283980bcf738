/**
 * Operations on experiments.
 */
import { experiment } from "./experiment.js";
import * as experiments from "./experiments.js";
import * as numbers from "./numbers.js";
import { nothing, type Route } from "./route.js";
import { byHand } from "./schemas.js";

/** Operations on experiments, by their ids. */
export const experimentRoutes = {
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
    response: experiment,
  },
  editExperiment: {
    method: "patch",
    path: "/v1/projects/{project}/experiments/{experiment}",
    scope: "admin",
    summary: "Edits a draft, or what people say of an experiment",
    body: experiments.edit,
    response: experiment,
  },
  startExperiment: {
    method: "post",
    path: "/v1/projects/{project}/experiments/{experiment}/start",
    scope: "admin",
    summary: "Starts a draft against the present champion",
    body: byHand,
    response: experiment,
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
    response: numbers.evaluation,
  },
  getReport: {
    method: "get",
    path: "/v1/projects/{project}/experiments/{experiment}/report",
    scope: "read",
    summary: "One experiment in full",
    response: numbers.report,
  },
} as const satisfies Record<string, Route>;
