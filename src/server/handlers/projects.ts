/**
 * Projects, their configs and their champions.
 */

import type { JsonObject } from "../../core/errors.js";
import { actorOf, byHand, type Handlers, NOTHING } from "./handler.js";

/** Answers what is asked of projects. */
export const projectHandlers: Handlers<
  | "listProjects"
  | "createProject"
  | "getProject"
  | "getSnapshot"
  | "listConfigs"
  | "diffConfigs"
  | "labelConfig"
  | "getHistory"
  | "rollback"
  | "setHoldout"
  | "listOverrides"
  | "setOverride"
> = {
  listProjects: async ({ engine }, { principal }) => ({ projects: await engine.projects(principal) }),

  async createProject({ engine }, { body, principal }) {
    const { key, champion, allowSecrets } = body;
    const actor = actorOf(principal, undefined);
    const { champion: stored } = await engine.createProject(key, champion, { allowSecrets, actor });
    return { key, champion: { hash: stored.hash, config: stored.body } };
  },

  getProject: ({ engine }, { params }) => engine.projectOverview(params.project),

  getSnapshot: ({ engine }, { params }) => engine.snapshot(params.project),

  async listConfigs({ engine }, { params }) {
    const project = await engine.project(params.project);
    return { configs: await project.configs() };
  },

  async diffConfigs({ engine }, { params, query }) {
    const project = await engine.project(params.project);
    return { changes: await project.diff(query.before, query.after) };
  },

  async labelConfig({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    await project.label(params.config, body.label, byHand(principal, body));
    return NOTHING;
  },

  getHistory: ({ engine }, { params, query }) => engine.historyPage(params.project, query),

  async rollback({ engine }, { params, body, principal }) {
    const project = await engine.project<JsonObject>(params.project);
    return { champion: await project.rollback(byHand(principal, body)) };
  },

  async setHoldout({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { share, ...rest } = byHand(principal, body);
    await project.holdout(share, rest);
    return NOTHING;
  },

  async listOverrides({ engine }, { params }) {
    const project = await engine.project(params.project);
    return { overrides: await project.overrides() };
  },

  async setOverride({ engine }, { params, body, principal }) {
    const project = await engine.project(params.project);
    const { arm, ...rest } = byHand(principal, body);
    await project.override(params.unit, arm, rest);
    return NOTHING;
  },
};
