/**
 * The log of evaluations, the queue and the budget.
 */
import { byHand, type Handlers, NOTHING } from "./handler.js";

/** Answers what is asked of what starts unattended, and of what a person should look at. */
export const governanceHandlers: Handlers<"listEvaluations" | "getQueue" | "moveInQueue" | "setBudget"> = {
  listEvaluations: ({ engine }, { query, principal }) =>
    engine.evaluations({ ...query, projects: principal.projects }),

  async getQueue({ engine }, { params }) {
    const project = await engine.project(params.project);
    return project.queue();
  },

  async moveInQueue({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { place, ...rest } = byHand(principal, body);
    await project.move(params.experiment, place, rest);
    return NOTHING;
  },

  async setBudget({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { limit, ...rest } = byHand(principal, body);
    await project.budget(limit, rest);
    return NOTHING;
  },
};
