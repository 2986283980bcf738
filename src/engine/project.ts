/**
 * A project as the host holds it: sessions, challenges, and what a person may do.
 */

import type { Evaluation } from "../core/decision/evaluation.js";
import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import { identifyConfig } from "./configs/config.js";
import type { EngineContext } from "./context.js";
import {
  type ByHand,
  DEFAULT_ACTOR,
  type EndingByHand,
  endByHand,
  type RevisionInput,
  requireProject,
  revise,
  rollback,
  setPaused,
} from "./experiments/by-hand.js";
import {
  type ChallengeOptions,
  type ChallengeOutcome,
  type ChallengePlan,
  challenge,
  planChallenge,
} from "./experiments/challenge.js";
import type { Forecast } from "./experiments/detect.js";
import { evaluateExperiment } from "./experiments/evaluate-experiment.js";
import { type ExperimentSummary, summaryOf } from "./experiments/experiment-summary.js";
import { type ExperimentReport, reportOf } from "./experiments/report.js";
import type { NewConfig, Store, StoredAuditEntry } from "./ports.js";
import { ProjectSessions } from "./sessions/project-sessions.js";
import type { ForcedRole } from "./sessions/route.js";
import type { Session } from "./sessions/session.js";
import type { SessionOptions } from "./sessions/session-options.js";
import type { ArgsOf, Runner, WrapOptions, Wrapped } from "./sessions/wrap.js";

/** What a challenge came to. */
export interface ChallengeResult {
  readonly experiment: ExperimentSummary | null;
  readonly started: boolean;
  readonly status: ChallengeOutcome["status"];
  /** what the experiment can be expected to find, and when; null where none was started */
  readonly forecast: Forecast | null;
}

/** One agent whose config is being improved. */
export interface Project<Config = JsonObject> {
  readonly key: string;
  /** the champion's config, as last known */
  readonly champion: Config;
  wrap<R extends Runner<Config>>(runner: R, options?: WrapOptions<ArgsOf<R>, ReturnType<R>>): Wrapped<R>;
  session(options?: SessionOptions): Promise<Session<Config>>;
  challenge(config: Config, options?: ChallengeOptions): Promise<ChallengeResult>;
  pause(byHand: ByHand): Promise<void>;
  resume(byHand: ByHand): Promise<void>;
  /** Changes horizon, share, futility or minPerArm of the experiment in the slot, from the next session on. */
  revise(input: RevisionInput): Promise<void>;
  abort(byHand: ByHand): Promise<void>;
  promote(byHand: ByHand): Promise<void>;
  approve(byHand: ByHand): Promise<void>;
  decline(byHand: ByHand): Promise<void>;
  /** Makes the previous champion the champion again; returns it. */
  rollback(byHand: ByHand): Promise<Config>;
  /** Every number of the newest experiment, from what is folded; null if there is none. */
  evaluate(): Promise<Evaluation | null>;
  report(): Promise<ExperimentReport | null>;
  /** The audit log, newest first. */
  history(limit?: number): Promise<readonly StoredAuditEntry[]>;
}

const HISTORY_LIMIT = 100;

/** The project the engine hands out. */
export class EngineProject<Config> implements Project<Config> {
  readonly key: string;
  readonly #context: EngineContext;
  /** the champion of the host's code: used to create the project, and while the store has never been reached */
  readonly #codeChampion: NewConfig | null;
  readonly #sessions: ProjectSessions<Config>;

  constructor(
    context: EngineContext,
    key: string,
    codeChampion: NewConfig | null,
    forced: ForcedRole | undefined,
  ) {
    this.#context = context;
    this.key = key;
    this.#codeChampion = codeChampion;
    const refresh = (): Promise<void> => this.refresh();
    this.#sessions = new ProjectSessions({ context, key, codeChampion, forced, refresh });
  }

  get champion(): Config {
    return structuredClone(this.#sessions.championBody()) as Config;
  }

  /** Loads the project's state, creating the project if it is new and the host gave a champion. */
  async load(store: Store): Promise<void> {
    const known = await store.projectState(this.key);
    if (!known && this.#codeChampion) await this.#create(store, this.#codeChampion);
    const state = known ?? (await requireProject(store, this.key));
    const isFirst = this.#sessions.state === null;
    this.#sessions.serve(state);
    if (isFirst && this.#codeChampion && state.champion.hash !== this.#codeChampion.hash) {
      this.#context.logger.info(
        { project: this.key, code: this.#codeChampion.hash, champion: state.champion.hash },
        "champion_differs: the stored champion is used, not the one in the code",
      );
    }
  }

  async #create(store: Store, champion: NewConfig): Promise<void> {
    const atMs = this.#context.clock.now();
    const audit = {
      action: "created",
      actor: DEFAULT_ACTOR,
      reason: null,
      details: { champion: champion.hash },
      atMs,
    };
    // False where another process has just created it, which is as good.
    await store.createProject({ key: this.key, champion, label: null, audit, atMs });
  }

  /** Looks at the stored state again; on failure the last known one stays. */
  async refresh(): Promise<void> {
    const { store } = this.#context;
    if (!store) return;
    try {
      await this.load(store);
    } catch (error) {
      if (this.#context.isClosed) return;
      this.#context.fail(null, "a project could not be refreshed; the last known champion serves", error, {
        project: this.key,
      });
    }
  }

  wrap<R extends Runner<Config>>(runner: R, options: WrapOptions<ArgsOf<R>, ReturnType<R>> = {}): Wrapped<R> {
    return this.#sessions.wrap(runner, options);
  }

  session(options: SessionOptions = {}): Promise<Session<Config>> {
    return this.#sessions.session(options);
  }

  /** Resolves when the outcomes of the wrapped calls that have returned so far are queued. */
  settleTasks(): Promise<void> {
    return this.#sessions.settleTasks();
  }

  /** Serves the champion unrecorded from here on: the engine closes. */
  refuse(): void {
    this.#sessions.refuse();
  }

  async challenge(config: Config, options: ChallengeOptions = {}): Promise<ChallengeResult> {
    const plan = planChallenge(config, options);
    if (this.#context.isOff) return { experiment: null, started: false, status: "off", forecast: null };
    const { store } = this.#context;
    if (!store) return this.#challengeLater(plan);
    try {
      // The project may not have been created yet, if the database was away when it was opened.
      if (!this.#sessions.state) await this.load(store);
      const outcome = await challenge(this.#context, store, this.key, plan);
      if (outcome.status === "overlap") {
        this.#context.logger.warn(
          { project: this.key, running: outcome.experiment?.uid ?? null },
          "experiment_overlap: another experiment occupies the project's slot; the challenge did not start",
        );
      }
      await this.refresh();
      return { ...outcome, experiment: outcome.experiment && summaryOf(outcome.experiment) };
    } catch (error) {
      if (isDethroneError(error) && (error.kind === "invalid_input" || error.code === "engine_closed"))
        throw error;
      this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
      return this.#challengeLater(plan);
    }
  }

  /** Boot code must not fail because the database is away: the challenge starts once it is back. */
  #challengeLater(plan: ChallengePlan): ChallengeResult {
    const again = (): void => {
      const { store } = this.#context;
      if (!store) return;
      // The project itself may have to be created first.
      this.refresh()
        .then(() => challenge(this.#context, store, this.key, plan))
        .then(() => this.refresh())
        .catch((error: unknown) => {
          this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
          if (!this.#context.isClosed) this.#context.clock.after(CHALLENGE_RETRY_MS, again);
        });
    };
    if (this.#context.store) this.#context.clock.after(CHALLENGE_RETRY_MS, again);
    else this.#context.whenOpen(again);
    return { experiment: null, started: false, status: "pending", forecast: null };
  }

  pause(byHand: ByHand): Promise<void> {
    return this.#change((store) => setPaused(this.#context, store, this.key, "pause", byHand));
  }

  resume(byHand: ByHand): Promise<void> {
    return this.#change((store) => setPaused(this.#context, store, this.key, "resume", byHand));
  }

  async revise(input: RevisionInput): Promise<void> {
    await this.#change((store) => revise(this.#context, store, this.key, input));
  }

  abort(byHand: ByHand): Promise<void> {
    return this.#end("abort", byHand);
  }

  promote(byHand: ByHand): Promise<void> {
    return this.#end("promote", byHand);
  }

  approve(byHand: ByHand): Promise<void> {
    return this.#end("approve", byHand);
  }

  decline(byHand: ByHand): Promise<void> {
    return this.#end("decline", byHand);
  }

  async #end(ending: EndingByHand, byHand: ByHand): Promise<void> {
    await this.#change((store) => endByHand(this.#context, store, this.key, ending, byHand));
  }

  async rollback(byHand: ByHand): Promise<Config> {
    const config = await this.#change((store) => rollback(this.#context, store, this.key, byHand));
    return config.body as Config;
  }

  /** Changes the stored state and looks at it at once: this process must not serve what it has just ended. */
  async #change<T>(change: (store: Store) => Promise<T>): Promise<T> {
    const result = await change(this.#context.requireStore());
    await this.refresh();
    return result;
  }

  async evaluate(): Promise<Evaluation | null> {
    const store = this.#context.requireStore();
    const [experiment] = await store.experiments(this.key);
    return experiment ? evaluateExperiment(store, experiment) : null;
  }

  async report(): Promise<ExperimentReport | null> {
    const store = this.#context.requireStore();
    await requireProject(store, this.key);
    const [experiment] = await store.experiments(this.key);
    return experiment ? reportOf(store, experiment, this.#context.clock.now()) : null;
  }

  async history(limit = HISTORY_LIMIT): Promise<readonly StoredAuditEntry[]> {
    if (!Number.isInteger(limit) || limit < 1) {
      throw new DethroneError(
        "input_invalid",
        `limit must be a whole number above 0; received ${String(limit)}.`,
        {
          field: "limit",
        },
      );
    }
    const store = this.#context.requireStore();
    const { id } = await requireProject(store, this.key);
    return store.auditLog(id, limit);
  }
}

const CHALLENGE_RETRY_MS = 1000;

const KEY_LENGTH_MAX = 200;

/** @throws DethroneError `settings_invalid` */
export function checkProjectKey(key: unknown): asserts key is string {
  if (typeof key === "string" && key.trim() === key && key.length > 0 && key.length <= KEY_LENGTH_MAX) return;
  throw new DethroneError(
    "settings_invalid",
    `A project's key must be a text of 1 to ${KEY_LENGTH_MAX} characters; received ${String(key)}.`,
    {
      field: "key",
    },
  );
}

/** @throws DethroneError `config_invalid` */
export function championOf(champion: unknown): NewConfig | null {
  return champion === undefined ? null : identifyConfig(champion);
}
