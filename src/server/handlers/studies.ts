/**
 * Studies and tags. A server has no repository, so it asks git nothing.
 */
import { actorOf, byHand, type Handlers } from "./handler.js";

/** Answers what is asked of studies. */
export const studyHandlers: Handlers<
  | "listStudies"
  | "createStudy"
  | "getStudy"
  | "getStudyReport"
  | "concludeStudy"
  | "archiveStudy"
  | "tagSession"
> = {
  async listStudies({ engine }, { params, query }) {
    return { studies: await engine.studies.list(params.project, query) };
  },

  createStudy({ engine }, { params, body, principal }) {
    const { name, ...input } = byHand(principal, body);
    return engine.studies.create(params.project, name, input);
  },

  getStudy: ({ engine }, { params }) => engine.studies.get(params.project, params.study),

  getStudyReport: ({ engine }, { params }) => engine.studies.report(params.project, params.study),

  concludeStudy: ({ engine }, { params, body, principal }) =>
    engine.studies.conclude(params.project, params.study, byHand(principal, body)),

  archiveStudy: ({ engine }, { params, body, principal }) =>
    engine.studies.archive(params.project, params.study, byHand(principal, body)),

  tagSession({ engine }, { params, body, principal }) {
    const actor = actorOf(principal, body.actor);
    return engine.tag(params.session, { study: params.study, arm: body.arm, actor }, principal);
  },
};
