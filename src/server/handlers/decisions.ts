/**
 * Decisions: stored ones, the next one, and those of experiments that do not exist yet.
 */
import { DethroneError } from "../../core/errors.js";
import { actorOf, type Handlers } from "./handler.js";

/** Answers what is asked of decisions. */
export const decisionHandlers: Handlers<
  "listDecisions" | "getDecision" | "verifyDecision" | "tick" | "simulate" | "plan"
> = {
  listDecisions: ({ engine }, { query, principal }) =>
    engine.decisions({ ...query, projects: principal.projects }),

  async getDecision({ engine }, { params, principal }) {
    const record = await engine.decision(params.decision, principal);
    return { ...record, project: record.projectKey, experiment: record.experimentUid, record };
  },

  async verifyDecision({ engine }, { params, principal }) {
    const { uid } = await engine.decision(params.decision, principal);
    const [verification] = await engine.verify(uid);
    if (verification) return verification;
    throw new DethroneError("decision_not_found", `There is no decision '${uid}'.`, { received: uid });
  },

  async tick({ engine, events }, { body, principal }) {
    const { project, dryRun = false } = body;
    if (project === undefined && principal.projects !== null) {
      throw new DethroneError("scope_missing", "The key is for some projects alone: name the one to tick.", {
        allowed: principal.projects,
      });
    }
    const results = await engine.decide({ project, dryRun, actor: actorOf(principal, undefined) });
    if (!dryRun) events.announce(results);
    return { results };
  },

  simulate: ({ questions }, { body, request }) => questions.simulate(body, request.signal),

  plan: ({ questions }, { body, request }) => questions.plan(body, request.signal),
};
