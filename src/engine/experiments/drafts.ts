/**
 * Drafts: experiments that are planned, edited and started later, by a person or at a time.
 */
import { nextStatus } from "../../core/decision/life-cycle.js";
import type { Policy, PolicyInput } from "../../core/decision/policy.js";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { Description, ProjectState, Store, StoredExperiment } from "../ports.js";
import { challengersOf } from "./arms.js";
import { auditByHand, type ByHand, persist, pinned } from "./audit.js";
import { budgetRefusal } from "./budget.js";
import { type ChallengeOutcome, knownOutcome, newestId, type PlanFor } from "./challenge.js";
import {
  type ChallengeOptions,
  type ChallengePlan,
  challengersFrom,
  checkDetect,
  OPTION_NAMES,
  planFor,
  refuseUnknown,
} from "./challenge-plan.js";
import { type DescriptionInput, describe } from "./description.js";
import { designOf, experimentOf } from "./design.js";
import { placeOf, requireExperiment, requireLabelsFree, requireProject } from "./lookup.js";
import { isQueued } from "./queue-order.js";

/** How a draft is made: as a challenge, with the time it is to start at, if any. */
export interface DraftOptions extends ChallengeOptions {
  /** when it starts by itself: at the first tick from then on that finds the project's slot free */
  readonly startsAt?: Date | number | string | null | undefined;
}

/** What is to change of an experiment. Of one that is no draft any more, only what people say of it can. */
export interface EditInput extends DraftOptions, DescriptionInput, ByHand {
  readonly label?: ChallengeOptions["label"];
  /** challengers to be added to a draft: a config, or a list of them; `label` names them */
  readonly add?: unknown;
  /** challengers to be taken out of a draft: by place, label or hash */
  readonly remove?: string | number | readonly (string | number)[] | undefined;
}

/** Makes a draft, or returns the experiment it stands for. A draft occupies no slot, so there is no overlap. */
export function draft(
  context: EngineContext,
  store: Store,
  key: string,
  planFor: PlanFor,
): Promise<ChallengeOutcome> {
  return persist(key, async () => {
    const state = await requireProject(store, key);
    const plan = await planFor(state);
    const all = await store.experiments(key);
    const known = knownOutcome(all, state, plan);
    if (known && known.status !== "overlap") return { isDone: true, result: known };
    await requireLabelsFree(store, state.id, plan.challengers);
    const design = await designOf(context, store, state, plan);
    const uid = context.ids.next();
    const queuePosition = plan.queue ? ("last" as const) : null;
    const action = plan.queue ? "queued" : "drafted";
    const made = { design, uid, status: "draft", action, queuePosition } as const;
    const isDone = await store.addExperiment(experimentOf(context, state, plan, made), newestId(all));
    const experiment = await store.experimentByUid(uid);
    const status = plan.queue ? "queued" : "drafted";
    return { isDone, result: { experiment, started: false, status, forecast: design.forecast } };
  });
}

/** What a stored draft was asked for. */
export function planOf(experiment: StoredExperiment): ChallengePlan {
  const { policy, shareRule, promotion, again, audience, exclusionGroup, assign, watch, hashVersion } =
    experiment;
  const { openDesign, startsAtMs, hypothesis, description, owner, tags } = experiment;
  const { share, goal, fdr } = openDesign ?? { share: shareRule, goal: null, fdr: null };
  return {
    challengers: challengersOf(experiment).map(({ config }) => ({ config, label: null })),
    policy,
    share,
    goal,
    fdr,
    promotion,
    again,
    description: { hypothesis, description, owner, tags },
    audience,
    exclusionGroup,
    assign,
    watch,
    hashVersion,
    startsAtMs,
    queue: isQueued(experiment),
    actor: "",
  };
}

async function challengersAfter(
  store: Store,
  draftOf: StoredExperiment,
  { add, remove, label, allowSecrets }: EditInput,
): Promise<ChallengePlan["challengers"]> {
  const removed = new Set<number>();
  const refs = remove === undefined ? [] : Array.isArray(remove) ? remove : [remove];
  for (const ref of refs) removed.add(await placeOf(store, draftOf, ref));
  const kept = planOf(draftOf).challengers.filter((_, j) => !removed.has(j + 1));
  return [...kept, ...(add === undefined ? [] : challengersFrom(add, { label, allowSecrets }))];
}

/** Names of the fields that plan a contest, in an edit. */
function plannedFields({
  reason,
  actor,
  hypothesis,
  description,
  owner,
  tags,
  ...rest
}: EditInput): string[] {
  return Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}

/** A goal brings a horizon of its own, and refuses another beside it. */
const withoutHorizon = ({ horizon: _horizon, ...rest }: Policy): PolicyInput => rest;

/** A rule by name, or another rule, begins with its own defaults; fields change these alone of the rule there is. */
function editedPolicy(before: Policy, { policy, detect }: EditInput): ChallengeOptions["policy"] {
  const kept = detect === undefined ? before : withoutHorizon(before);
  if (policy === undefined) return kept;
  const isOther = typeof policy !== "object" || (policy?.kind ?? before.kind) !== before.kind;
  if (isOther) return policy;
  const given = Object.entries(policy ?? {}).filter(([, value]) => value !== undefined);
  return { ...kept, ...Object.fromEntries(given) };
}

/** Whether the edit says by itself how large the contest is to be, in the place of a goal. */
function isSized({ detect, share, horizon, policy }: EditInput, before: Policy): boolean {
  const planned = (typeof policy === "object" ? policy?.horizon : undefined) ?? before.horizon;
  return [detect, share, horizon].some((given) => given !== undefined) || planned !== before.horizon;
}

/** The plan of a draft after an edit. @throws DethroneError as `challenge` does, and `arm_not_found` */
async function editedPlan(
  store: Store,
  experiment: StoredExperiment,
  input: EditInput,
): Promise<ChallengePlan> {
  const before = planOf(experiment);
  const { add: _add, remove: _remove, label: _label, startsAt, reason: _reason, ...options } = input;
  const challengers = await challengersAfter(store, experiment, input);
  const given = (name: keyof ChallengeOptions): boolean => input[name] !== undefined;
  const assign = given("assign") ? input.assign : before.assign;
  const isByChance = before.assign === null && (assign ?? null) === null;
  // A share that was for chance is none for a rule, nor the other way round.
  const share = isByChance && before.goal === null ? before.share : undefined;
  // What the edit asks for is checked as a challenge of its own; what it leaves out stays as it was.
  const asked = planFor(challengers, {
    ...options,
    policy: editedPolicy(before.policy, input),
    assign,
    ...(given("share") || given("detect") ? {} : { share }),
    ...(startsAt === undefined || startsAt === null ? {} : { startsAt }),
  });
  const kept = KEPT.filter((name) => !given(name)).map((name) => [name, before[name]] as const);
  const goal = isSized(input, before.policy) ? asked.goal : before.goal;
  if (goal !== null) checkDetect({ detect: goal.detect }, challengers.length);
  return {
    ...asked,
    ...(Object.fromEntries(kept) as Partial<ChallengePlan>),
    ...(asked.assign === null ? {} : UNDER_ASSIGN),
    goal: asked.assign === null ? goal : null,
    description: describe(input, before.description),
    startsAtMs: startsAt === undefined ? before.startsAtMs : asked.startsAtMs,
  };
}

/** Fields of a plan that an edit leaves as they were, where it does not name them. */
const KEPT = [
  "fdr",
  "promotion",
  "again",
  "audience",
  "exclusionGroup",
  "watch",
  "queue",
  "hashVersion",
] as const satisfies readonly (keyof ChallengePlan & keyof ChallengeOptions)[];

/** What a draft under a rule cannot keep of what it was before. */
const UNDER_ASSIGN = { promotion: "approve", fdr: null, exclusionGroup: null } as const;

function refuseInUse(experiment: StoredExperiment, fields: readonly string[], { remove }: EditInput): void {
  const refs = remove === undefined ? "" : ` (${[remove].flat().join(", ")})`;
  const { status, uid } = experiment;
  if (status === "draft" || fields.length === 0) return;
  if (fields.includes("add") || fields.includes("remove")) {
    throw new DethroneError(
      "arm_in_use",
      `Experiment ${uid} is ${status}: its arms${refs} have sessions, so none can be added or deleted. Drop a challenger to send its share to the champion, or start a new experiment.`,
      { experiment: uid, status },
    );
  }
  throw new DethroneError(
    "transition_illegal",
    `Experiment ${uid} is ${status}: ${fields.join(", ")} can be edited in a draft alone. Revise what may change in flight.`,
    { experiment: uid, status, fields },
  );
}

const EDIT_NAMES: readonly string[] = [...OPTION_NAMES, "add", "remove", "reason"];

/** Edits a draft, or what people say of an experiment. */
export function edit(
  context: EngineContext,
  store: Store,
  key: string,
  id: string,
  input: EditInput,
): Promise<StoredExperiment> {
  return persist(key, async () => {
    refuseUnknown(input, EDIT_NAMES);
    const state = await requireProject(store, key);
    const experiment = await requireExperiment(store, key, id);
    const fields = plannedFields(input);
    refuseInUse(experiment, fields, input);
    const description = describe(input, experiment);
    const said = changesOf(experiment, description);
    const details: JsonObject = { fields: fields.concat(Object.keys(said)), ...said };
    const audit = auditByHand(context, "edited", input, details);
    const isDone =
      fields.length === 0
        ? await store.describeExperiment({ experiment, description, audit })
        : await replace(context, store, state, experiment, await editedPlan(store, experiment, input), {
            status: "draft",
            audit,
          });
    return { isDone, result: (await store.experimentByUid(experiment.uid)) ?? experiment };
  });
}

/** What an edit changes of what people say: what it was, and what it is; a hypothesis must not change without a trace. */
function changesOf(before: Description, after: Description): JsonObject {
  const names = (Object.keys(after) as (keyof Description)[]).filter(
    (name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]),
  );
  return Object.fromEntries(names.map((name) => [name, { from: before[name], to: after[name] }]));
}

async function replace(
  context: EngineContext,
  store: Store,
  state: ProjectState,
  experiment: StoredExperiment,
  plan: ChallengePlan,
  to: { readonly status: "draft" | "running"; readonly audit: ReturnType<typeof auditByHand> },
): Promise<boolean> {
  await requireLabelsFree(store, state.id, plan.challengers);
  const design = await designOf(context, store, state, plan);
  const { action, actor, reason } = to.audit;
  // A place that it has stays; one that it is to get is the last.
  const isWaiting = plan.queue && to.status === "draft";
  const queuePosition = isWaiting ? (experiment.queuePosition ?? ("last" as const)) : null;
  const made = { design, uid: experiment.uid, status: to.status, action, actor, reason, queuePosition };
  const next = experimentOf(context, state, plan, made);
  const details = { ...next.audit.details, ...to.audit.details };
  return store.replaceDraft({ draft: experiment, next: { ...next, audit: { ...next.audit, details } } });
}

/** Starts a draft against whoever is champion now; its design is settled with the project's past as it is now. */
export function startDraft(
  context: EngineContext,
  store: Store,
  key: string,
  id: string,
  byHand: ByHand,
): Promise<StoredExperiment> {
  const pin = pinned(key);
  return persist(key, async () => {
    const state = await requireProject(store, key);
    const experiment = await requireExperiment(store, key, id);
    pin(experiment.uid);
    nextStatus(experiment.status, "start");
    requireContest(state, experiment);
    const audit = auditByHand(context, "started", byHand);
    const plan = planOf(experiment);
    const refusal = await budgetRefusal(store, state, plan, context.clock.now());
    if (refusal) throw refusal;
    const isDone = await replace(context, store, state, experiment, plan, { status: "running", audit });
    return { isDone, result: (await store.experimentByUid(experiment.uid)) ?? experiment };
  });
}

/** @throws DethroneError `experiment_overlap`, `transition_illegal` */
function requireContest(
  { key, champion, experiment: occupant }: ProjectState,
  { uid, arms }: StoredExperiment,
) {
  if (occupant) {
    throw new DethroneError(
      "experiment_overlap",
      `Project '${key}' has experiment ${occupant.uid} in its slot; end it first.`,
      { project: key, running: occupant.uid },
    );
  }
  if (arms.slice(1).every(({ config }) => config.hash !== champion.hash)) return;
  throw new DethroneError(
    "transition_illegal",
    `A challenger of draft ${uid} has become the champion since; take it out of the draft, or abort the draft.`,
    { experiment: uid, champion: champion.hash },
  );
}

const SCHEDULE = "schedule";

/** Starts the drafts whose time has come; returns their projects. One that cannot start now waits; why is logged. */
export async function startDueDrafts(
  context: EngineContext,
  store: Store,
  projectKey: string | null,
): Promise<string[]> {
  const due = await store.dueDrafts(context.clock.now());
  const started: string[] = [];
  for (const { projectKey: key, uid } of due) {
    if (projectKey !== null && projectKey !== key) continue;
    const byHand = { reason: "its time has come", actor: SCHEDULE };
    try {
      await startDraft(context, store, key, uid, byHand);
      started.push(key);
    } catch (error) {
      const fields = { project: key, experiment: uid };
      context.fail(null, "a draft could not start at its time; the next tick tries again", error, fields);
    }
  }
  return started;
}
