/**
 * Experiments: their life cycle and their numbers.
 */
import { DethroneError } from "../../core/errors.js";
import type { Engine } from "../../engine/engine.js";
import type { RouteInput } from "../contract/routes.js";
import { REPORT_TYPES, renderReport } from "../report/render.js";
import { actorOf, byHand, type Handler, type Handlers, NOTHING } from "./handler.js";

/** An experiment as a path names it. */
type Named = RouteInput<"getExperiment">["params"];

/** Which experiment is meant where `current` is the one that the engine takes by itself. */
const meant = ({ experiment }: Named) => (experiment === "current" ? {} : { experiment });

/** The project, provided that the experiment named is the one in its slot. @throws DethroneError `transition_illegal` */
async function inSlot(engine: Engine, params: Named) {
  const { project, experiment } = params;
  if (experiment !== "current") {
    const { status } = await engine.experiment(project, experiment);
    if (status !== "running" && status !== "paused") {
      throw new DethroneError(
        "transition_illegal",
        `Experiment ${experiment} is ${status}: it is not in the slot.`,
        {
          experiment,
          status,
        },
      );
    }
  }
  return engine.project(project);
}

/** Ends an experiment by hand. */
function ending(verb: "abort" | "promote" | "approve" | "decline"): Handler<"promoteChallenger"> {
  return async ({ engine }, { params, body, principal }) => {
    const project = await engine.project(params.project);
    await project[verb]({ ...byHand(principal, body), ...meant(params) });
    return NOTHING;
  };
}

/** Times travel as numbers; the engine knows them by the name of what they say. */
function withStart<B extends { readonly startsAtMs?: number | null | undefined }>({
  startsAtMs,
  ...rest
}: B) {
  return { ...rest, ...(startsAtMs !== undefined && { startsAt: startsAtMs }) };
}

/** Answers what is asked of experiments. */
export const experimentHandlers: Handlers<
  | "challenge"
  | "listExperiments"
  | "previewChallenge"
  | "draftExperiment"
  | "getExperiment"
  | "editExperiment"
  | "startExperiment"
  | "pauseExperiment"
  | "resumeExperiment"
  | "reviseExperiment"
  | "dropChallenger"
  | "abortExperiment"
  | "promoteChallenger"
  | "approvePromotion"
  | "declinePromotion"
  | "archiveExperiment"
  | "getEvaluation"
  | "getReport"
  | "getTrajectory"
> = {
  async challenge({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { challengers, ...options } = body;
    return project.challenge(challengers, { ...options, actor: actorOf(principal, body.actor) });
  },

  async listExperiments({ engine }, { params, query }) {
    const project = await engine.project(params.project);
    return { experiments: await project.experiments(query) };
  },

  async previewChallenge({ engine }, { params, body }) {
    const { challengers, ...options } = body;
    const { known, champion, design } = await engine.previewChallenge(params.project, challengers, options);
    return {
      known: known && { status: known.status, experiment: known.experiment?.uid ?? null },
      champion,
      design,
    };
  },

  async draftExperiment({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { challengers, ...options } = withStart(body);
    return project.draft(challengers, { ...options, actor: actorOf(principal, body.actor) });
  },

  getExperiment: ({ engine }, { params }) => engine.experiment(params.project, params.experiment),

  async editExperiment({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { id } = await engine.experiment(params.project, params.experiment);
    return project.edit(id, withStart(byHand(principal, body)));
  },

  async startExperiment({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { id } = await engine.experiment(params.project, params.experiment);
    return project.start(id, byHand(principal, body));
  },

  async pauseExperiment({ engine }, { params, body, principal }) {
    await (await inSlot(engine, params)).pause(byHand(principal, body));
    return NOTHING;
  },

  async resumeExperiment({ engine }, { params, body, principal }) {
    await (await inSlot(engine, params)).resume(byHand(principal, body));
    return NOTHING;
  },

  async reviseExperiment({ engine }, { params, body, principal }) {
    await (await inSlot(engine, params)).revise(byHand(principal, body));
    return NOTHING;
  },

  async dropChallenger({ engine }, { params, body, principal }) {
    await (await inSlot(engine, params)).drop(byHand(principal, body));
    return NOTHING;
  },

  abortExperiment: ending("abort"),
  promoteChallenger: ending("promote"),
  approvePromotion: ending("approve"),
  declinePromotion: ending("decline"),

  async archiveExperiment({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { id } = await engine.experiment(params.project, params.experiment);
    await project.archive(id, byHand(principal, body));
    return NOTHING;
  },

  async getEvaluation({ engine }, { params }) {
    const { id } = await engine.experiment(params.project, params.experiment);
    const project = await engine.project(params.project);
    return required(await project.evaluate({ experiment: id }), id);
  },

  async getReport({ engine }, { params, query: { format = "json", by } }) {
    const { id } = await engine.experiment(params.project, params.experiment);
    if (format !== "json") {
      const plain = await renderReport(engine, params.project, { format, experiment: id, by });
      return { contentType: REPORT_TYPES[format], plain };
    }
    const project = await engine.project(params.project);
    return required(await project.report({ experiment: id, by }), id);
  },

  async getTrajectory({ engine }, { params }) {
    const { id } = await engine.experiment(params.project, params.experiment);
    const project = await engine.project(params.project);
    return required(await project.trajectory({ experiment: id }), id);
  },
};

function required<T>(found: T | null, experiment: string): T {
  if (found !== null) return found;
  throw new DethroneError("experiment_not_found", `There is no experiment '${experiment}'.`, {
    received: experiment,
  });
}
