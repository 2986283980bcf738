/**
 * Contests in the model: how they are planned, and how they begin.
 */
import {
  ACTORS,
  type Arm,
  type By,
  type Contest,
  championOf,
  type Experiment,
  log,
  look,
  type Model,
  type Plan,
  type Project,
  projectOf,
  refuse,
  type Share,
  slotOf,
} from "./model.js";

/** Shares lie in [0.01, 0.99] or are 0; a list has one for each challenger, and leaves the champion a hundredth. */
export function checkShare(share: Share, challengers: number): void {
  const isShare = (value: number): boolean => value === 0 || (value >= 0.01 && value <= 0.99);
  if (typeof share === "number") {
    if (!isShare(share)) refuse("share_out_of_range");
    return;
  }
  if (!share.every(isShare)) refuse("share_out_of_range");
  const buckets = share.reduce((sum, each) => sum + Math.round(each * 10_000), 0);
  if (buckets > 9900 || share.length !== challengers) refuse("settings_invalid");
}

export function checkChallengers(challengers: readonly string[]): void {
  if (challengers.length === 0 || new Set(challengers).size < challengers.length) refuse("config_invalid");
}

export function checkLabels(
  project: Project,
  challengers: readonly string[],
  labels: readonly (string | null)[],
): void {
  for (const [j, label] of labels.entries()) {
    if (label === null) continue;
    const holder = Object.keys(project.configs).find((name) => project.configs[name]?.label === label);
    const isOthers = holder !== undefined && holder !== challengers[j];
    if (isOthers || labels.indexOf(label) < j) refuse("label_taken");
  }
}

/** The buckets of a share: several challengers divide it, with a hundredth each at least; who is out has none. */
export function setBuckets(arms: readonly Arm[], share: Share): void {
  const [champion, ...challengers] = arms as [Arm, ...Arm[]];
  const contenders = challengers.filter(({ out }) => out === null).length;
  const divided = (total: number): number => (total === 0 ? 0 : Math.max(0.01, total / contenders));
  for (const [j, arm] of challengers.entries()) {
    const each = typeof share === "number" ? divided(share) : (share[j] as number);
    arm.buckets = arm.out === null ? Math.round(each * 10_000) : 0;
  }
  champion.buckets = 10_000 - challengers.reduce((sum, { buckets }) => sum + buckets, 0);
}

export function armsOf(champion: string, challengers: readonly string[], share: Share): Arm[] {
  const arms = [champion, ...challengers].map((config): Arm => ({ config, buckets: 0, out: null }));
  setBuckets(arms, share);
  return arms;
}

/** A config's first place in the lineage stays, and so does its first label. */
export function addConfigs(
  project: Project,
  challengers: readonly string[],
  labels: readonly (string | null)[],
  actor: string,
): void {
  for (const [j, config] of challengers.entries()) {
    const label = labels[j] ?? null;
    const known = project.configs[config];
    if (known) known.label ??= label;
    else project.configs[config] = { parent: championOf(project), label, actor };
  }
}

export function addExperiment(
  model: Model,
  project: Project,
  contest: Contest,
  made: Pick<Experiment, "kind" | "status" | "arms" | "holdout">,
): Experiment {
  const { share, again, audience, group, watch, lastsMs, startsAtMs } = contest;
  const experiment: Experiment = {
    ...{ share, again, audience, group, watch, lastsMs },
    ...made,
    uid: model.newExperiments.shift() ?? "an experiment that the engine did not make",
    startsAtMs: made.status === "draft" ? startsAtMs : null,
    description: null,
    startedAtMs: made.status === "draft" ? null : model.nowMs,
    endedAtMs: null,
    archivedAtMs: null,
    overrides: {},
    units: {},
    revisions: [],
    decision: null,
  };
  project.experiments.push(experiment);
  return experiment;
}

/** What a challenge or a draft came to. */
export interface Outcome {
  readonly status: string;
  readonly experiment: string | null;
}

const sameSet = (left: readonly string[], right: readonly string[]): boolean =>
  [...left].sort().join() === [...right].sort().join();

/** The experiment a challenge stands for: the newest of the same challengers against the same champion. */
function knownOutcome(project: Project, { challengers, again }: Plan): Outcome | null {
  const champion = championOf(project);
  const contests = [...project.experiments]
    .reverse()
    .filter(
      ({ kind, startedAtMs, status }) => kind === "contest" && (startedAtMs !== null || status === "draft"),
    )
    .filter(({ arms }) =>
      sameSet(
        arms.slice(1).map(({ config }) => config),
        challengers,
      ),
    );
  if (challengers.includes(champion)) {
    // Of several challengers that promoted one; DESIGN.md speaks of pairs.
    const promotedBy = contests.find(({ status }) => status === "promoted");
    return { status: "is-champion", experiment: promotedBy?.uid ?? null };
  }
  const existing = contests.find(
    // A draft is against whoever is champion when it starts.
    ({ arms, ...each }) =>
      (each.status === "draft" || arms[0]?.config === champion) && (again === "" || each.again === again),
  );
  return existing ? { status: "existing", experiment: existing.uid } : null;
}

function begin(model: Model, by: By, plan: Plan, status: "running" | "draft"): Outcome {
  const project = projectOf(model, by);
  const { challengers, labels, share, again } = plan;
  checkChallengers(challengers);
  checkShare(share, challengers.length);
  const known = knownOutcome(project, plan);
  if (known) return known;
  const slot = slotOf(project);
  if (slot && status === "running") return { status: "overlap", experiment: slot.uid };
  checkLabels(project, challengers, labels);
  const actor = ACTORS[by.process];
  addConfigs(project, challengers, labels, actor);
  const arms = armsOf(championOf(project), challengers, share);
  const made = { kind: "contest", status, arms, holdout: project.holdout } as const;
  const experiment = addExperiment(model, project, plan, made);
  const action = status === "draft" ? "drafted" : "started";
  log(project, action, experiment, actor, again === "" ? null : again);
  return { status: action, experiment: experiment.uid };
}

export function challenge(model: Model, by: By, plan: Plan): Outcome {
  const outcome = begin(model, by, plan, "running");
  look(model, by);
  return outcome;
}

export function draft(model: Model, by: By, plan: Plan): Outcome {
  return begin(model, by, plan, "draft");
}
