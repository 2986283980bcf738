/**
 * One database with its projects as DESIGN.md describes it: plain objects, a rule a function, and nothing of the
 * engine's code. What a process knows of a project is a copy of its own, made when that process looked last.
 */
import { createHash } from "node:crypto";

/** One of the two processes that share the database. */
export type Process = "A" | "B";
/** One share that the challengers divide, or one each. */
export type Share = number | readonly number[];
/** How a caller names a challenger: its place, its label, `hash:` and its config; nothing where there is but one. */
export type Ref = string | number | undefined;

export interface Arm {
  config: string;
  buckets: number;
  out: "manual" | null;
}

/** What a challenge asks for, and what an experiment keeps of it. */
export interface Contest {
  readonly share: Share;
  readonly again: string;
  /** the platform that takes part; null for all */
  readonly audience: string | null;
  readonly group: string | null;
  /** share of the watch that follows a promotion */
  readonly watch: number | null;
  readonly lastsMs: number | null;
  readonly startsAtMs: number | null;
}

export interface Plan extends Contest {
  readonly challengers: readonly string[];
  readonly labels: readonly (string | null)[];
}

export interface Experiment extends Contest {
  readonly uid: string;
  readonly kind: "contest" | "watch";
  status: "draft" | "running" | "paused" | "promoted" | "held" | "aborted";
  /** the champion's first */
  arms: Arm[];
  share: Share;
  holdout: number;
  description: string | null;
  startsAtMs: number | null;
  startedAtMs: number | null;
  endedAtMs: number | null;
  archivedAtMs: number | null;
  /** places given by hand */
  overrides: Record<string, number>;
  /** places of the units that take part, and the session that counts for each */
  units: Record<string, { readonly place: number; readonly session: string }>;
  /** the session from which each change in flight holds */
  revisions: number[];
  decision: { verdict: string; reason: string; arm: number | null; actor: string } | null;
}

export interface Project {
  readonly key: string;
  holdout: number;
  reigns: { readonly config: string; readonly cause: "created" | "promoted" | "rollback" }[];
  /** champions that led to the present one, which is the last; a rollback takes off what it undoes */
  line: string[];
  configs: Record<string, { readonly parent: string | null; label: string | null; readonly actor: string }>;
  /** oldest first */
  experiments: Experiment[];
  audit: {
    readonly action: string;
    readonly experiment: string | null;
    readonly actor: string;
    readonly reason: string | null;
  }[];
}

export interface StoredSession {
  readonly id: string;
  readonly project: string;
  readonly config: string;
  readonly experiment: string | null;
  readonly place: number | null;
  readonly unit: string | null;
  readonly root: string | null;
  readonly excluded: string | null;
  readonly shares: readonly number[] | null;
}

/** What a process knows of a project. */
export interface View {
  readonly champion: string;
  readonly slot: Experiment | null;
}

export interface Model {
  nowMs: number;
  projects: Record<string, Project>;
  /** in the order of their starts */
  sessions: StoredSession[];
  views: Record<Process, Record<string, View>>;
  /** when each process looks at the database again by itself */
  refreshAtMs: Record<Process, number>;
  /** ids that the engine has given out and the model has not seen: chance's, not the model's */
  newExperiments: string[];
  newSessions: string[];
}

/** Who does something, why, and to which project. */
export interface By {
  readonly process: Process;
  readonly project: string;
}

/** The engine is expected to refuse, with this code, and to leave everything as it was. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export function refuse(code: string): never {
  throw new Refused(code);
}

export const REFRESH_MS = 5000;
export const PROCESSES: readonly Process[] = ["A", "B"];
export const ACTORS: Readonly<Record<Process, string>> = { A: "ada", B: "bob" };
/** The reason of all that is done by hand. */
export const REASON = "because";

/** A config is known by its name here, and by the SHA-256 of its canonical JSON there. */
export const hashOf = (config: string): string =>
  createHash("sha256").update(`{"name":"${config}"}`).digest("hex");

export function createModel(nowMs: number, champions: Readonly<Record<string, string>>): Model {
  const projects = Object.entries(champions).map(([key, config]): [string, Project] => [
    key,
    {
      key,
      holdout: 0,
      reigns: [{ config, cause: "created" }],
      line: [config],
      configs: { [config]: { parent: null, label: null, actor: "library" } },
      experiments: [],
      audit: [{ action: "created", experiment: null, actor: "library", reason: null }],
    },
  ]);
  const model: Model = {
    nowMs,
    projects: Object.fromEntries(projects),
    sessions: [],
    views: { A: {}, B: {} },
    refreshAtMs: { A: 0, B: 0 },
    newExperiments: [],
    newSessions: [],
  };
  for (const process of PROCESSES) restart(model, { process });
  return model;
}

export const championOf = ({ line }: Pick<Project, "line">): string => line.at(-1) as string;
const isOccupying = ({ status }: Experiment): boolean => status === "running" || status === "paused";
export const slotOf = ({ experiments }: Project): Experiment | null => experiments.find(isOccupying) ?? null;
export const projectOf = (model: Model, { project }: Pick<By, "project">): Project =>
  model.projects[project] as Project;

/** The process sees the project as it is now. */
export function look(model: Model, { process, project }: By): void {
  const stored = projectOf(model, { project });
  model.views[process][project] = structuredClone({ champion: championOf(stored), slot: slotOf(stored) });
}

function lookAtAll(model: Model, process: Process): void {
  for (const project of Object.keys(model.projects)) look(model, { process, project });
}

/** A process that starts anew knows what is stored, and nothing else. */
export function restart(model: Model, { process }: Pick<By, "process">): void {
  lookAtAll(model, process);
  model.refreshAtMs[process] = model.nowMs + REFRESH_MS;
}

/** Time passes; a process that is due looks at all of its projects. */
export function advance(model: Model, ms: number): void {
  model.nowMs += ms;
  for (const process of PROCESSES) {
    if (model.refreshAtMs[process] <= model.nowMs) restart(model, { process });
  }
}

export const inSlot = (project: Project): Experiment => slotOf(project) ?? refuse("experiment_not_found");

export function experimentBy({ experiments }: Project, uid: string): Experiment {
  return experiments.find((each) => each.uid === uid) ?? refuse("experiment_not_found");
}

export function configBy({ configs }: Project, ref: Ref): string {
  const found = Object.keys(configs).find((name) => configs[name]?.label === ref || `hash:${name}` === ref);
  return found ?? refuse("config_not_found");
}

export function placeOf(project: Project, { arms }: Experiment, ref: Ref): number {
  if (ref === undefined && arms.length === 2) return 1;
  const isMeant = ({ config }: Arm, place: number): boolean =>
    place === ref ||
    String(place) === ref ||
    `hash:${config}` === ref ||
    (ref !== undefined && project.configs[config]?.label === ref);
  const place = arms.findIndex((arm, at) => at > 0 && isMeant(arm, at));
  return place > 0 ? place : refuse("arm_not_found");
}

/** Writes the audit log. */
export function log(
  project: Project,
  action: string,
  experiment: Experiment | null,
  actor: string,
  reason: string | null,
) {
  project.audit.push({ action, experiment: experiment?.uid ?? null, actor, reason });
}

export function logBy(project: Project, by: By, action: string, experiment: Experiment | null): void {
  log(project, action, experiment, ACTORS[by.process], REASON);
}
