/**
 * What is asked of an engine beside running agents: looking through what is stored, and what other processes tell of
 * their sessions. The half of an engine that servers and pages use.
 */
import type { Ledger } from "../core/decision/ledger.js";
import { DethroneError } from "../core/errors.js";
import { AccessKeys } from "./access/keys.js";
import { Replies } from "./access/replies.js";
import { assertPrivate } from "./configs/privacy.js";
import { configWithoutSecrets } from "./configs/secrets.js";
import type { EngineContext } from "./context.js";
import { checkActor, DEFAULT_ACTOR } from "./experiments/audit.js";
import { type ChallengePreview, previewChallenge } from "./experiments/challenge.js";
import { type ChallengeOptions, planChallenge } from "./experiments/challenge-plan.js";
import { trafficOf } from "./experiments/design.js";
import { type Pace, paceOf } from "./experiments/detect.js";
import { type EvaluationFilter, type EvaluationPage, findEvaluations } from "./experiments/evaluations.js";
import { type ExperimentSummary, summaryOf } from "./experiments/experiment-summary.js";
import { projectLedger } from "./experiments/ledger.js";
import { currentExperiment, requireExperiment, requireProject } from "./experiments/lookup.js";
import { type ProjectSummary, projectSummaries } from "./experiments/overview.js";
import { type Verification, verifyDecision } from "./experiments/verify.js";
import type { DecisionHead, EventEntry, StoredDecision, StoredExperiment } from "./ports.js";
import { checkProjectKey } from "./project-input.js";
import { Intake } from "./sessions/intake.js";
import type { Operation, OperationResult } from "./sessions/operations.js";
import {
  checkedLimit,
  pageOf,
  placeOfCursor,
  reachable,
  type SessionDetail,
  type SessionFilter,
  type SessionPage,
  searchSessions,
  sessionDetail,
} from "./sessions/search.js";
import { type ProjectSnapshot, snapshotOf } from "./sessions/snapshot.js";
import { Studies, type TagInput, type TagReceipt } from "./studies/studies.js";
import { Transfers } from "./transfer/transfers.js";
import { Courier } from "./webhooks/courier.js";
import { Webhooks } from "./webhooks/webhooks.js";

/** What a caller may look into or write to. */
export interface Within {
  /** keys of projects; default: all */
  readonly projects?: readonly string[] | null | undefined;
}

/** How a project is created. */
export interface NewProjectOptions {
  /** dotted paths of fields that look like secrets and are none; see `config_secret` */
  readonly allowSecrets?: readonly string[] | undefined;
  readonly actor?: string | undefined;
}

/** Which page of a list. */
export interface PageInput {
  /** how many at most, an integer in [1, 200]; default 50 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

/** Which decisions are listed. */
export interface DecisionFilter extends PageInput, Within {
  readonly project?: string | undefined;
  /** id of the experiment, or the beginning of it; with `project` */
  readonly experiment?: string | undefined;
}

/** One project at one look. */
export interface ProjectOverview extends ProjectSummary {
  readonly ledger: Ledger;
}

/** A page of decisions, newest first. */
export interface DecisionPage {
  readonly decisions: readonly DecisionHead[];
  readonly nextCursor: string | null;
}

/** A page of a project's audit log, newest first. */
export interface HistoryPage {
  readonly entries: readonly EventEntry[];
  readonly nextCursor: string | null;
}

/** The half of an engine that servers and pages use. */
export abstract class EngineDesk {
  protected readonly context: EngineContext;
  protected readonly courier: Courier;
  /** keys of the HTTP server */
  readonly keys: AccessKeys;
  /** answers kept for repeated requests */
  readonly replies: Replies;
  /** endpoints that are told of decisions and changes */
  readonly webhooks: Webhooks;
  /** sessions that nobody randomised, compared afterwards */
  readonly studies: Studies;
  /** everything out of the database and into it */
  readonly transfer: Transfers;
  readonly #intake: Intake;

  constructor(context: EngineContext) {
    this.context = context;
    this.keys = new AccessKeys(context);
    this.replies = new Replies(context);
    this.courier = new Courier(context);
    this.webhooks = new Webhooks(context, this.courier);
    this.studies = new Studies(context);
    this.transfer = new Transfers(context);
    this.#intake = new Intake(context);
  }

  /** An id as the engine makes them: unique, and unpredictable enough that its hash is uniform. */
  newId(): string {
    return this.context.ids.next();
  }

  /** Milliseconds since the epoch, by the engine's clock. */
  now(): number {
    return this.context.clock.now();
  }

  /** The keys of all stored projects, sorted. */
  projectKeys(): Promise<string[]> {
    return this.context.requireStore().projectKeys();
  }

  /**
   * Creates a project with its first champion.
   *
   * @throws DethroneError `project_exists`, `settings_invalid`, `config_invalid`, `config_secret`, `privacy_refused`
   */
  async createProject(
    key: string,
    champion: unknown,
    options: NewProjectOptions = {},
  ): Promise<ProjectSnapshot> {
    const { allowSecrets, actor = DEFAULT_ACTOR } = options;
    checkProjectKey(key);
    checkActor(actor);
    const config = configWithoutSecrets(champion, allowSecrets);
    assertPrivate(this.context.guard, "config", config.body);
    const [store, atMs] = [this.context.requireStore(), this.now()];
    const details = { champion: config.hash };
    const audit = { action: "created", actor, reason: null, details, atMs };
    if (await store.createProject({ key, champion: config, label: null, audit, atMs }))
      return this.snapshot(key);
    throw new DethroneError("project_exists", `There is a project '${key}' already.`, { received: key });
  }

  /** All projects at one look, by key. */
  projects({ projects }: Within = {}): Promise<ProjectSummary[]> {
    return projectSummaries(this.context.requireStore(), this.now(), projects);
  }

  /** All experiments of a project, newest first. */
  experiments(projectKey: string): Promise<StoredExperiment[]> {
    return this.context.requireStore().experiments(projectKey);
  }

  /** One project at one look, with what its experiments have promoted. @throws DethroneError `project_not_found` */
  async projectOverview(key: string): Promise<ProjectOverview> {
    const store = this.context.requireStore();
    const [summary] = await projectSummaries(store, this.now(), [key]);
    if (!summary) throw noProject(key);
    return { ...summary, ledger: await projectLedger(store, key) };
  }

  /**
   * An experiment of a project.
   *
   * @param which its id, the beginning of it, or `current`: the one in the slot, else the newest
   * @throws DethroneError `project_not_found`, `experiment_not_found`
   */
  async experiment(projectKey: string, which: string): Promise<ExperimentSummary> {
    const store = this.context.requireStore();
    if (which !== "current") return summaryOf(await requireExperiment(store, projectKey, which));
    const current = await currentExperiment(store, projectKey);
    if (current) return summaryOf(current);
    throw new DethroneError("experiment_not_found", `Project '${projectKey}' has no experiment yet.`, {
      project: projectKey,
    });
  }

  /** A project's recent traffic, as far as planning needs it. @throws DethroneError `project_not_found` */
  async pace(projectKey: string): Promise<Pace> {
    const store = this.context.requireStore();
    const state = await requireProject(store, projectKey);
    return paceOf(await trafficOf(store, state, this.now()), this.now());
  }

  /** All that assigning a project's sessions elsewhere takes. @throws DethroneError `project_not_found` */
  async snapshot(projectKey: string): Promise<ProjectSnapshot> {
    return snapshotOf(await requireProject(this.context.requireStore(), projectKey));
  }

  /**
   * Stores what another process tells of its sessions, in order; one result an operation, when all are on disk. An
   * operation that is refused fails alone.
   *
   * @throws DethroneError `queue_full`; nothing is stored then
   */
  record(operations: readonly Operation[], { projects = null }: Within = {}): Promise<OperationResult[]> {
    return this.#intake.record(this.context.requireStore(), operations, projects);
  }

  /** Stores one operation of another process, as {@link record} does. @throws DethroneError `queue_full` */
  recordOne(operation: Operation, { projects = null }: Within = {}): Promise<OperationResult> {
    return this.#intake.recordOne(this.context.requireStore(), operation, projects);
  }

  /**
   * Gives a session outside of experiments an arm of a study by hand. The same again is a duplicate.
   *
   * @throws DethroneError `session_not_found`, `study_not_found`, `input_invalid`, `tag_conflict` where it has another,
   *   `transition_illegal` where the study is concluded
   */
  tag(sessionId: string, tag: TagInput, within: Within = {}): Promise<TagReceipt> {
    return this.studies.tag(sessionId, tag, within);
  }

  /** A page of sessions, newest first. @throws DethroneError `input_invalid` */
  sessions(filter: SessionFilter = {}): Promise<SessionPage> {
    return searchSessions(this.context.requireStore(), filter);
  }

  /** One session in full, with its signals and config. @throws DethroneError `session_not_found` */
  sessionDetail(id: string, { projects }: Within = {}): Promise<SessionDetail> {
    return sessionDetail(this.context.requireStore(), id, projects);
  }

  /**
   * Entries of the audit log after an id, over all projects, oldest first: what has happened since.
   *
   * @param afterId null for the newest entries
   */
  events(afterId: number | null, limit?: number, { projects = null }: Within = {}): Promise<EventEntry[]> {
    return this.context.requireStore().browse.events({ afterId, limit: checkedLimit(limit), projects });
  }

  /** A page of a project's audit log, newest first. @throws DethroneError `project_not_found`, `input_invalid` */
  async historyPage(project: string, { limit, cursor }: PageInput = {}): Promise<HistoryPage> {
    const store = this.context.requireStore();
    await requireProject(store, project);
    const most = checkedLimit(limit);
    const input = { project, beforeId: placeOfCursor(cursor), limit: most + 1 };
    const { page, nextCursor } = pageOf(await store.browse.history(input), most, ({ id }) => id);
    return { entries: page, nextCursor };
  }

  /** A page of decisions, newest first. @throws DethroneError `input_invalid`, `experiment_not_found` */
  async decisions({
    project,
    experiment,
    projects,
    limit,
    cursor,
  }: DecisionFilter = {}): Promise<DecisionPage> {
    const store = this.context.requireStore();
    const most = checkedLimit(limit);
    const meant =
      project === undefined || experiment === undefined
        ? (experiment ?? null)
        : (await requireExperiment(store, project, experiment)).uid;
    const rows = await store.browse.decisionHeads({
      projects: reachable(project, projects),
      experiment: meant,
      beforeId: placeOfCursor(cursor),
      limit: most + 1,
    });
    const { page, nextCursor } = pageOf(rows, most, ({ id }) => id);
    return { decisions: page, nextCursor };
  }

  /**
   * A page of what ticks found, newest first: verdict, numbers, and where criteria disagree.
   *
   * @throws DethroneError `input_invalid`, `project_not_found`, `experiment_not_found`
   */
  evaluations(filter: EvaluationFilter = {}): Promise<EvaluationPage> {
    return findEvaluations(this.context.requireStore(), filter);
  }

  /** A decision with all it was made from. @throws DethroneError `decision_not_found` */
  async decision(id: string, { projects = null }: Within = {}): Promise<StoredDecision> {
    const [decision] = await this.#storedDecisions(id);
    if (decision && (projects === null || projects.includes(decision.projectKey))) return decision;
    throw noDecision(id);
  }

  /** Recomputes stored decisions: one by its id, or all. @throws DethroneError `decision_not_found` */
  async verify(decision?: string): Promise<Verification[]> {
    const store = this.context.requireStore();
    const results: Verification[] = [];
    for (const each of await this.#storedDecisions(decision))
      results.push(await verifyDecision(store, each, this.context.version));
    return results;
  }

  async #storedDecisions(id: string | undefined): Promise<StoredDecision[]> {
    const decisions = await this.context.requireStore().decisions(id === undefined ? {} : { uid: id });
    if (id !== undefined && decisions.length === 0) throw noDecision(id);
    return decisions;
  }

  /**
   * What a challenge would start and what it could find, or what stands in its way; nothing is written.
   *
   * @throws DethroneError as `challenge` does, and `project_not_found`
   */
  async previewChallenge(
    key: string,
    config: unknown,
    options: ChallengeOptions = {},
  ): Promise<ChallengePreview> {
    const plan = planChallenge(config, options);
    return previewChallenge(this.context, this.context.requireStore(), key, plan);
  }
}

function noProject(key: string): DethroneError {
  return new DethroneError("project_not_found", `There is no project '${key}'.`, { received: key });
}

function noDecision(id: string): DethroneError {
  return new DethroneError("decision_not_found", `There is no decision '${id}'.`, { received: id });
}
