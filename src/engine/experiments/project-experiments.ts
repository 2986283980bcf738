/**
 * What a project does with its experiments, configs and champion: the half of a project that people use.
 */
import type { Evaluation } from "../../core/decision/evaluation.js";
import type { Trajectory } from "../../core/decision/trajectory.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import { type ConfigChange, diffConfigs } from "../configs/diff.js";
import { type ConfigEntry, configsOf, labelConfig } from "../configs/lineage.js";
import type { EngineContext } from "../context.js";
import type { Override, Store, StoredAuditEntry } from "../ports.js";
import type { ByHand } from "./audit.js";
import { type BudgetInput, setBudget } from "./budget.js";
import {
  dropChallenger,
  type EndExperimentInput,
  type EndingByHand,
  endByHand,
  type OfChallenger,
  type RevisionInput,
  revise,
  setPaused,
} from "./by-hand.js";
import { type RollbackInput, rollback, setHoldout } from "./champions.js";
import { decided } from "./decision-event.js";
import { type EditInput, edit, startDraft } from "./drafts.js";
import { evaluateExperiment } from "./evaluate-experiment.js";
import { type EvaluationPage, findEvaluations, type ProjectEvaluationFilter } from "./evaluations.js";
import { type ExperimentSummary, summaryOf } from "./experiment-summary.js";
import { trajectoryOf } from "./folded-units.js";
import { currentExperiment, requireConfig, requireExperiment, requireProject } from "./lookup.js";
import { archive, overridesOf, setOverride } from "./overrides.js";
import { moveInQueue, type ProjectQueue, projectQueue } from "./queue.js";
import { type ExperimentReport, reportOf } from "./report.js";

/** Which experiment is meant: by its id or the beginning of it; default: the one in the slot, else the newest. */
export interface OfExperiment {
  readonly experiment?: string | undefined;
}

/** Which experiment is reported, and how. */
export interface ReportOptions extends OfExperiment {
  /** break the scores down by this attribute of the context alone, e.g. `user.plan` */
  readonly by?: string | undefined;
}

/** Which experiments are listed. */
export interface ExperimentFilter {
  /** with those put away; default false */
  readonly archived?: boolean | undefined;
}

/** What people do with the experiments, configs and champion of a project. */
export interface ProjectExperimentsApi<Config> {
  /** Edits a draft; of an experiment that has started, what people say of it (hypothesis, description, owner, tags). */
  edit(experiment: string, changes: EditInput): Promise<ExperimentSummary>;
  /** Starts a draft against the present champion. */
  start(experiment: string, byHand: ByHand): Promise<ExperimentSummary>;
  /** Gives everyone the champion for now: sessions settle, nothing folds or decides. */
  pause(byHand: ByHand): Promise<void>;
  /** Goes on with a paused experiment. */
  resume(byHand: ByHand): Promise<void>;
  /** Changes horizon, share, futility or minPerArm of the experiment in the slot, from the next session on. */
  revise(input: RevisionInput): Promise<void>;
  /** Takes one of several challengers out of the contest; its share returns to the champion. */
  drop(input: OfChallenger): Promise<void>;
  /** Ends the experiment in the slot, or discards a draft. */
  abort(input: EndExperimentInput): Promise<void>;
  /** Makes a challenger the champion now, whatever the evidence. */
  promote(input: EndExperimentInput): Promise<void>;
  /** Accepts a promotion that awaits approval. */
  approve(input: EndExperimentInput): Promise<void>;
  /** Refuses a promotion that awaits approval: `hold`, `declined`. */
  decline(input: EndExperimentInput): Promise<void>;
  /** Makes a former champion the champion again, by default the one before; returns it. */
  rollback(input: RollbackInput): Promise<Config>;
  /** Puts an experiment that has ended away. */
  archive(experiment: string, byHand: ByHand): Promise<void>;
  /**
   * Gives a unit an arm of the experiment in the slot, to try it: `champion`, `challenger`, or a challenger's place, label
   * or hash; null takes it away. Its sessions are flagged and never evidence.
   */
  override(unit: string, arm: string | number | null, byHand: ByHand): Promise<void>;
  /** The units that have an arm by hand. */
  overrides(): Promise<readonly Override[]>;
  /** What waits its turn in the project, and for what. */
  queue(): Promise<ProjectQueue>;
  /** Gives a draft a place in the queue, from 1; null takes it out: it stays a draft. */
  move(experiment: string, place: number | null, byHand: ByHand): Promise<void>;
  /**
   * Limits the false promotions that may be expected of the project's experiments, all together or within a window: what
   * would go over it does not start. Null takes the limit away.
   */
  budget(limit: number | null, input: BudgetInput): Promise<void>;
  /** Holds a share of the units, in [0, 0.5], out of every experiment from the next one on. */
  holdout(share: number, byHand: ByHand): Promise<void>;
  /** Every number of an experiment, from what is folded; null if there is none. */
  evaluate(which?: OfExperiment): Promise<Evaluation | null>;
  /** An evaluation, and where the experiment's sessions are; null if there is none. */
  report(which?: ReportOptions): Promise<ExperimentReport | null>;
  /** How an experiment came to where it is, as points for a chart; null if there is none. */
  trajectory(which?: OfExperiment): Promise<Trajectory | null>;
  /** A page of what ticks found of the project's experiments, newest first. */
  evaluations(filter?: ProjectEvaluationFilter): Promise<EvaluationPage>;
  /** Newest first. */
  experiments(filter?: ExperimentFilter): Promise<readonly ExperimentSummary[]>;
  /** Every config of the project with its lineage, oldest first. */
  configs(): Promise<readonly ConfigEntry[]>;
  /** What differs between two configs, each by its label or the beginning of its hash. */
  diff(before: string, after: string): Promise<readonly ConfigChange[]>;
  /** Names a config; null takes its name away. */
  label(config: string, label: string | null, byHand: ByHand): Promise<void>;
  /** The audit log, newest first. */
  history(limit?: number): Promise<readonly StoredAuditEntry[]>;
}

const HISTORY_LIMIT = 100;

/** The half of a project that people use. */
export abstract class ProjectExperiments<Config> implements ProjectExperimentsApi<Config> {
  abstract readonly key: string;
  protected readonly context: EngineContext;

  constructor(context: EngineContext) {
    this.context = context;
  }

  /** Looks at the stored state again. */
  abstract refresh(): Promise<void>;

  /** Changes the stored state and looks at it at once: this process must not serve what it has just ended. */
  protected async change<T>(change: (store: Store) => Promise<T>): Promise<T> {
    const result = await change(this.context.requireStore());
    await this.refresh();
    return result;
  }

  async edit(experiment: string, changes: EditInput): Promise<ExperimentSummary> {
    return summaryOf(await this.change((store) => edit(this.context, store, this.key, experiment, changes)));
  }

  async start(experiment: string, byHand: ByHand): Promise<ExperimentSummary> {
    return summaryOf(
      await this.change((store) => startDraft(this.context, store, this.key, experiment, byHand)),
    );
  }

  pause(byHand: ByHand): Promise<void> {
    return this.change((store) => setPaused(this.context, store, this.key, "pause", byHand));
  }

  resume(byHand: ByHand): Promise<void> {
    return this.change((store) => setPaused(this.context, store, this.key, "resume", byHand));
  }

  async revise(input: RevisionInput): Promise<void> {
    await this.change((store) => revise(this.context, store, this.key, input));
  }

  drop(input: OfChallenger): Promise<void> {
    return this.change((store) => dropChallenger(this.context, store, this.key, input));
  }

  abort(input: EndExperimentInput): Promise<void> {
    return this.#end("abort", input);
  }

  promote(input: EndExperimentInput): Promise<void> {
    return this.#end("promote", input);
  }

  approve(input: EndExperimentInput): Promise<void> {
    return this.#end("approve", input);
  }

  decline(input: EndExperimentInput): Promise<void> {
    return this.#end("decline", input);
  }

  async #end(ending: EndingByHand, input: EndExperimentInput): Promise<void> {
    const { experiment, decision } = await this.change((store) =>
      endByHand(this.context, store, this.key, ending, input),
    );
    decided(this.context, experiment, decision);
  }

  async rollback(input: RollbackInput): Promise<Config> {
    const { champion, aborted } = await this.change((store) =>
      rollback(this.context, store, this.key, input),
    );
    if (aborted) decided(this.context, aborted.experiment, aborted.decision);
    return structuredClone(champion.body) as Config;
  }

  archive(experiment: string, byHand: ByHand): Promise<void> {
    return archive(this.context, this.context.requireStore(), this.key, experiment, byHand);
  }

  override(unit: string, arm: string | number | null, byHand: ByHand): Promise<void> {
    return this.change((store) => setOverride(this.context, store, this.key, unit, arm, byHand));
  }

  async overrides(): Promise<readonly Override[]> {
    return overridesOf(this.context.requireStore(), this.key);
  }

  async queue(): Promise<ProjectQueue> {
    return projectQueue(this.context.requireStore(), this.key, this.context.clock.now());
  }

  move(experiment: string, place: number | null, byHand: ByHand): Promise<void> {
    return moveInQueue(this.context, this.context.requireStore(), this.key, experiment, place, byHand);
  }

  async budget(limit: number | null, input: BudgetInput): Promise<void> {
    await setBudget(this.context, this.context.requireStore(), this.key, limit, input);
  }

  holdout(share: number, byHand: ByHand): Promise<void> {
    return this.change((store) => setHoldout(this.context, store, this.key, share, byHand));
  }

  async #experimentOf(store: Store, { experiment }: OfExperiment) {
    if (experiment !== undefined) return requireExperiment(store, this.key, experiment);
    return currentExperiment(store, this.key);
  }

  async evaluate(which: OfExperiment = {}): Promise<Evaluation | null> {
    const store = this.context.requireStore();
    const experiment = await this.#experimentOf(store, which);
    return experiment && evaluateExperiment(store, experiment);
  }

  async report({ by, ...which }: ReportOptions = {}): Promise<ExperimentReport | null> {
    const store = this.context.requireStore();
    const experiment = await this.#experimentOf(store, which);
    return experiment && reportOf(store, experiment, this.context.clock.now(), by);
  }

  async trajectory(which: OfExperiment = {}): Promise<Trajectory | null> {
    const store = this.context.requireStore();
    const experiment = await this.#experimentOf(store, which);
    return experiment && trajectoryOf(store, experiment);
  }

  async evaluations(filter: ProjectEvaluationFilter = {}): Promise<EvaluationPage> {
    const store = this.context.requireStore();
    await requireProject(store, this.key);
    return findEvaluations(store, { ...filter, project: this.key });
  }

  async experiments({ archived = false }: ExperimentFilter = {}): Promise<readonly ExperimentSummary[]> {
    const store = this.context.requireStore();
    await requireProject(store, this.key);
    const all = await store.experiments(this.key);
    return all.filter(({ archivedAtMs }) => archived || archivedAtMs === null).map(summaryOf);
  }

  async configs(): Promise<readonly ConfigEntry[]> {
    const store = this.context.requireStore();
    return configsOf(store, await requireProject(store, this.key));
  }

  async diff(before: string, after: string): Promise<readonly ConfigChange[]> {
    const store = this.context.requireStore();
    const { id } = await requireProject(store, this.key);
    const [left, right] = [await requireConfig(store, id, before), await requireConfig(store, id, after)];
    return diffConfigs(left.body as JsonObject, right.body as JsonObject);
  }

  label(config: string, label: string | null, byHand: ByHand): Promise<void> {
    return this.change((store) => labelConfig(this.context, store, this.key, config, label, byHand));
  }

  async history(limit = HISTORY_LIMIT): Promise<readonly StoredAuditEntry[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new DethroneError(
        "input_invalid",
        `limit must be a whole number above 0; received ${String(limit)}.`,
        { field: "limit", received: received(limit) },
      );
    }
    const store = this.context.requireStore();
    const { id } = await requireProject(store, this.key);
    return store.auditLog(id, limit);
  }
}
