/**
 * Operations on the log of evaluations, the queue and the budget.
 */
import * as governance from "./governance.js";
import { nothing, type Route } from "./route.js";

/** Operations on what starts unattended and what a person should look at, by their ids. */
export const governanceRoutes = {
  listEvaluations: {
    method: "get",
    path: "/v1/evaluations",
    scope: "read",
    summary: "What ticks found, newest first, and where criteria disagree",
    query: governance.evaluationsQuery,
    response: governance.evaluations,
  },
  getQueue: {
    method: "get",
    path: "/v1/projects/{project}/queue",
    scope: "read",
    summary: "The drafts that wait their turn, and what the first one waits for",
    response: governance.queue,
  },
  moveInQueue: {
    method: "put",
    path: "/v1/projects/{project}/queue/{experiment}",
    scope: "admin",
    summary: "Gives a draft a place in the queue; null takes it out",
    body: governance.move,
    response: nothing,
  },
  setBudget: {
    method: "put",
    path: "/v1/projects/{project}/budget",
    scope: "admin",
    summary: "Limits the false promotions that may be expected; null takes the limit away",
    body: governance.budget,
    response: nothing,
  },
} as const satisfies Record<string, Route>;
