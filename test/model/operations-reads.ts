/**
 * What people are told.
 */
import fc from "fast-check";
import { type By, championOf, type Model, type Project, projectOf, slotOf } from "./model.js";
import { stepsOf } from "./step.js";
import type { World } from "./world.js";

/** Where a config stands, as people are told. */
function roleOf(project: Project, name: string): string {
  const slot = slotOf(project);
  if (name === championOf(project)) return "champion";
  if (slot?.arms.some((arm, place) => place > 0 && arm.out === null && arm.config === name))
    return "contending";
  return project.reigns.some((reign) => reign.config === name) ? "former champion" : "challenger";
}

async function readBack(world: World, doneBy: By) {
  const project = world.project(doneBy);
  const configs = await project.configs();
  return {
    experiments: (await project.experiments()).map(({ id, status }) => `${id} ${status}`),
    configs: configs
      .map(({ body, role, reigns }) => [body.name, role, reigns.map(({ cause }) => cause)])
      .sort(),
    history: (await project.history(5)).map(({ action }) => action),
    overrides: (await project.overrides()).map((each) => [each.unit, each.arm]),
  };
}

function expected(model: Model, by: By) {
  const project = projectOf(model, by);
  const { experiments, reigns, audit, configs } = project;
  const listed = [...experiments].reverse().filter(({ archivedAtMs }) => archivedAtMs === null);
  const causes = (name: string) => reigns.filter(({ config }) => config === name).map(({ cause }) => cause);
  const entries = Object.keys(configs).map((name) => [name, roleOf(project, name), causes(name)]);
  return {
    experiments: listed.map(({ uid, status }) => `${uid} ${status}`),
    configs: entries.sort(),
    history: [...audit]
      .reverse()
      .slice(0, 5)
      .map(({ action }) => action),
    overrides: Object.entries(slotOf(project)?.overrides ?? {}).sort(),
  };
}

/** Steps that read, and change nothing. */
export const reads = stepsOf("read", fc.constant(null), (_, by) => ({
  perform: (world) => readBack(world, by),
  predict: (model) => expected(model, by),
}));
