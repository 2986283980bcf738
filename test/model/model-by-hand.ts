/**
 * What people, and time, do to experiments and champions in the model.
 */
import {
  ACTORS,
  type Arm,
  type By,
  championOf,
  configBy,
  type Experiment,
  experimentBy,
  inSlot,
  log,
  logBy,
  look,
  type Model,
  type Project,
  placeOf,
  projectOf,
  type Ref,
  Refused,
  refuse,
  type Share,
  slotOf,
} from "./model.js";
import {
  addConfigs,
  addExperiment,
  armsOf,
  checkChallengers,
  checkLabels,
  checkShare,
  setBuckets,
} from "./model-contests.js";

/** What is to change of a draft, or what is said of an experiment. */
export interface Edit {
  readonly add: readonly string[] | undefined;
  readonly labels: readonly (string | null)[];
  readonly remove: Ref | undefined;
  readonly share: Share | undefined;
  /** null: not by itself */
  readonly startsAtMs: number | null | undefined;
  readonly description: string | undefined;
}

export function edit(model: Model, by: By, uid: string, changes: Edit): void {
  const project = projectOf(model, by);
  const experiment = experimentBy(project, uid);
  const { add, remove, share, startsAtMs, description } = changes;
  const isOfArms = add !== undefined || remove !== undefined;
  const isOfPlan = isOfArms || share !== undefined || startsAtMs !== undefined;
  if (isOfPlan && experiment.status !== "draft") refuse(isOfArms ? "arm_in_use" : "transition_illegal");
  if (isOfPlan) replan(project, experiment, by, changes);
  if (description !== undefined) experiment.description = description;
  logBy(project, by, "edited", experiment);
  look(model, by);
}

/** Another draft in the place of one: against the champion, and with the holdout, of now. */
function replan(project: Project, experiment: Experiment, by: By, changes: Edit): void {
  const { add = [], labels, remove, share = experiment.share, startsAtMs } = changes;
  const removed = remove === undefined ? 0 : placeOf(project, experiment, remove);
  const kept = experiment.arms.filter((_, place) => place > 0 && place !== removed);
  const challengers = [...kept.map(({ config }) => config), ...add];
  checkChallengers(challengers);
  checkShare(share, challengers.length);
  const labelled = [...kept.map(() => null), ...add.map((_, j) => labels[j] ?? null)];
  checkLabels(project, challengers, labelled);
  addConfigs(project, challengers, labelled, ACTORS[by.process]);
  experiment.share = share;
  experiment.arms = armsOf(championOf(project), challengers, share);
  experiment.holdout = project.holdout;
  if (startsAtMs !== undefined) experiment.startsAtMs = startsAtMs;
}

/** A draft starts against the champion of now. */
function start(model: Model, project: Project, experiment: Experiment): void {
  const champion = championOf(project);
  const challengers = experiment.arms.slice(1).map(({ config }) => config);
  if (experiment.status !== "draft") refuse("transition_illegal");
  if (slotOf(project)) refuse("experiment_overlap");
  if (challengers.includes(champion)) refuse("transition_illegal");
  experiment.status = "running";
  experiment.arms = armsOf(champion, challengers, experiment.share);
  experiment.holdout = project.holdout;
  experiment.startsAtMs = null;
  experiment.startedAtMs = model.nowMs;
}

export function startByHand(model: Model, by: By, uid: string): void {
  const project = projectOf(model, by);
  const experiment = experimentBy(project, uid);
  start(model, project, experiment);
  logBy(project, by, "started", experiment);
  look(model, by);
}

/** The drafts whose time has come, the earliest first, start where the slot is free; the others wait for another tick. */
function startDue(model: Model, project: Project): void {
  const due = project.experiments
    .filter(
      ({ status, startsAtMs }) => status === "draft" && startsAtMs !== null && startsAtMs <= model.nowMs,
    )
    .sort((left, right) => (left.startsAtMs as number) - (right.startsAtMs as number));
  for (const experiment of due) {
    try {
      start(model, project, experiment);
      log(project, "started", experiment, "schedule", "its time has come");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
}

/** What a tick says of a project. */
export interface Tick {
  readonly experiment: string;
  readonly verdict: string;
  readonly reason: string;
}

/** Without outcomes a tick starts what is due, and holds what has run out of time. */
export function decide(model: Model, { process }: By): Tick[] {
  return Object.values(model.projects).flatMap((project) => {
    startDue(model, project);
    const slot = slotOf(project);
    if (slot?.status !== "running") return [];
    const { uid: experiment, lastsMs, startedAtMs } = slot;
    const isOver = lastsMs !== null && model.nowMs > (startedAtMs as number) + lastsMs;
    if (isOver) {
      end(model, slot, { verdict: "hold", reason: "expired", arm: null, actor: "tick" });
      log(project, "held", slot, "tick", "expired");
    }
    look(model, { process, project: project.key });
    return [
      isOver
        ? { experiment, verdict: "hold", reason: "expired" }
        : { experiment, verdict: "continue", reason: "collecting" },
    ];
  });
}

const STATUS = { promote: "promoted", hold: "held", abort: "aborted" } as const;

function end(model: Model, experiment: Experiment, decision: NonNullable<Experiment["decision"]>): void {
  experiment.status = STATUS[decision.verdict as keyof typeof STATUS];
  experiment.endedAtMs = model.nowMs;
  experiment.decision = decision;
}

export function setPaused(model: Model, by: By, isPaused: boolean): void {
  const project = projectOf(model, by);
  const experiment = inSlot(project);
  if (experiment.status === (isPaused ? "paused" : "running")) refuse("transition_illegal");
  experiment.status = isPaused ? "paused" : "running";
  logBy(project, by, isPaused ? "paused" : "resumed", experiment);
  look(model, by);
}

export function revise(model: Model, by: By, share: Share): void {
  const project = projectOf(model, by);
  const experiment = inSlot(project);
  checkShare(share, experiment.arms.length - 1);
  setBuckets(experiment.arms, share);
  experiment.revisions.push(model.sessions.length + 1);
  logBy(project, by, "revised", experiment);
  look(model, by);
}

/** The challenger's share returns to the champion; the last one that contends cannot be dropped. */
export function drop(model: Model, by: By, ref: Ref): void {
  const project = projectOf(model, by);
  const experiment = inSlot(project);
  const [champion, ...challengers] = experiment.arms as [Arm, ...Arm[]];
  const arm = challengers[placeOf(project, experiment, ref) - 1] as Arm;
  if (challengers.every((each) => each === arm || each.out !== null)) refuse("transition_illegal");
  if (arm.out === null) {
    champion.buckets += arm.buckets;
    arm.buckets = 0;
    arm.out = "manual";
    logBy(project, by, "dropped", experiment);
  }
  look(model, by);
}

/** The slot's experiment, or the one that is named. */
const meant = (project: Project, uid: string | undefined): Experiment =>
  uid === undefined ? inSlot(project) : experimentBy(project, uid);

export function abort(model: Model, by: By, uid: string | undefined): void {
  const project = projectOf(model, by);
  const experiment = meant(project, uid);
  if (experiment.endedAtMs !== null) refuse("transition_illegal");
  end(model, experiment, { verdict: "abort", reason: "manual", arm: null, actor: ACTORS[by.process] });
  logBy(project, by, "aborted", experiment);
  look(model, by);
}

/** Without outcomes no promotion waits for a person. */
export function answerNone(model: Model, by: By): void {
  inSlot(projectOf(model, by));
  refuse("transition_illegal");
}

export function promote(model: Model, by: By, uid: string | undefined, ref: Ref): void {
  const project = projectOf(model, by);
  const experiment = meant(project, uid);
  if (experiment.endedAtMs !== null || experiment.status === "draft") refuse("transition_illegal");
  const arm = placeOf(project, experiment, ref);
  const actor = ACTORS[by.process];
  end(model, experiment, { verdict: "promote", reason: "manual", arm, actor });
  crown(project, (experiment.arms[arm] as Arm).config, experiment.kind === "watch" ? "rollback" : "promoted");
  logBy(project, by, experiment.kind === "watch" ? "rolled-back" : "promoted", experiment);
  watchOver(model, project, experiment, actor);
  look(model, by);
}

/** The old champion contends for a small share against the new one; nothing watches over a watch. */
function watchOver(model: Model, project: Project, experiment: Experiment, actor: string): void {
  const { uid, watch: share, holdout } = experiment;
  if (share === null) return;
  const [old] = experiment.arms as [Arm];
  const arms = armsOf(championOf(project), [old.config], share);
  const terms = { ...experiment, share, again: uid, watch: null };
  const watch = addExperiment(model, project, terms, { kind: "watch", status: "running", arms, holdout });
  watch.description = `Watch over the promotion by experiment ${uid}`;
  log(project, "watch-started", watch, actor, `watch over the promotion by ${uid}`);
}

/** A promotion lengthens the line of champions; a rollback takes off what came after the one it returns to. */
function crown(project: Project, config: string, cause: "promoted" | "rollback"): void {
  const at = cause === "rollback" ? project.line.lastIndexOf(config) : -1;
  if (at >= 0) project.line.length = at;
  project.line.push(config);
  project.reigns.push({ config, cause });
}

/** Returns to the champion before, or to a former one; what contends against the present one ends. */
export function rollback(model: Model, by: By, to: Ref): string {
  const project = projectOf(model, by);
  const champion = championOf(project);
  const target = to === undefined ? project.line.at(-2) : configBy(project, to);
  const isFormer = target !== champion && project.reigns.some(({ config }) => config === target);
  if (target === undefined || !isFormer) return refuse("transition_illegal");
  const experiment = slotOf(project);
  if (experiment) {
    const actor = ACTORS[by.process];
    end(model, experiment, { verdict: "abort", reason: "champion-changed", arm: null, actor });
  }
  crown(project, target, "rollback");
  logBy(project, by, "rollback", experiment);
  look(model, by);
  return target;
}

export function archive(model: Model, by: By, uid: string): void {
  const project = projectOf(model, by);
  const experiment = experimentBy(project, uid);
  if (experiment.endedAtMs === null) refuse("transition_illegal");
  if (experiment.archivedAtMs !== null) return;
  experiment.archivedAtMs = model.nowMs;
  logBy(project, by, "archived", experiment);
}

export function holdOut(model: Model, by: By, share: number): void {
  const project = projectOf(model, by);
  if (!(share >= 0 && share <= 0.5)) refuse("share_out_of_range");
  project.holdout = Math.round(share * 10_000);
  logBy(project, by, "holdout", null);
  look(model, by);
}

/** Gives a unit a place by hand; null takes it away. */
export function override(model: Model, by: By, unit: string, to: Ref | null): void {
  const project = projectOf(model, by);
  const experiment = inSlot(project);
  if (to === null) delete experiment.overrides[unit];
  else if (to === "champion" || to === 0) experiment.overrides[unit] = 0;
  else experiment.overrides[unit] = placeOf(project, experiment, to === "challenger" ? undefined : to);
  logBy(project, by, to === null ? "override-removed" : "override", experiment);
  look(model, by);
}

export function label(model: Model, by: By, ref: Ref, name: string | null): void {
  const project = projectOf(model, by);
  const config = configBy(project, ref);
  const isTaken = Object.entries(project.configs).some(
    ([each, known]) => each !== config && name !== null && known.label === name,
  );
  if (isTaken) refuse("label_taken");
  (project.configs[config] as { label: string | null }).label = name;
  logBy(project, by, "labelled", null);
  look(model, by);
}
