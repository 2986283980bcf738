/**
 * A project as the host holds it: sessions, challenges, and what a person may do.
 */

import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import { identifyConfig } from "./configs/config.js";
import type { EngineContext } from "./context.js";
import { DEFAULT_ACTOR } from "./experiments/audit.js";
import { type ChallengeOutcome, challenge } from "./experiments/challenge.js";
import { type ChallengeOptions, type ChallengePlan, planChallenge } from "./experiments/challenge-plan.js";
import type { Forecast } from "./experiments/detect.js";
import { type DraftOptions, draft } from "./experiments/drafts.js";
import { type ExperimentSummary, summaryOf } from "./experiments/experiment-summary.js";
import { requireProject } from "./experiments/lookup.js";
import { ProjectExperiments, type ProjectExperimentsApi } from "./experiments/project-experiments.js";
import type { NewConfig, ProjectState, Store } from "./ports.js";
import { type FusedSession, LocalFuse } from "./sessions/local-fuse.js";
import { checkSessionOptions, type ForcedRole, Router, type SessionOptions } from "./sessions/router.js";
import type { EngineSession, Session } from "./sessions/session.js";
import { type ArgsOf, type Runner, type WrapOptions, type Wrapped, wrapRunner } from "./sessions/wrap.js";

/** What a challenge came to. */
export interface ChallengeResult {
  readonly experiment: ExperimentSummary | null;
  readonly started: boolean;
  readonly status: ChallengeOutcome["status"];
  /** what the experiment can be expected to find, and when; null where none was started */
  readonly forecast: Forecast | null;
}

/** One challenger, or several; a function makes them from the champion, so that what it leaves alone stays. */
export type Challengers<Config> =
  | Config
  | readonly Config[]
  | ((champion: Config) => Config | readonly Config[]);

/** One agent whose config is being improved. */
export interface Project<Config = JsonObject> extends ProjectExperimentsApi<Config> {
  readonly key: string;
  /** the champion's config, as last known */
  readonly champion: Config;
  wrap<R extends Runner<Config>>(runner: R, options?: WrapOptions<ArgsOf<R>, ReturnType<R>>): Wrapped<R>;
  session(options?: SessionOptions): Promise<Session<Config>>;
  /** Starts a contest between the champion and one challenger or several; idempotent, so boot code may call it. */
  challenge(challengers: Challengers<Config>, options?: ChallengeOptions): Promise<ChallengeResult>;
  /** Plans a contest that starts later: by `start`, or at a time. */
  draft(challengers: Challengers<Config>, options?: DraftOptions): Promise<ChallengeResult>;
}

/** The project the engine hands out. */
export class EngineProject<Config> extends ProjectExperiments<Config> implements Project<Config> {
  readonly key: string;
  readonly #context: EngineContext;
  readonly #router: Router;
  /** the champion of the host's code: used to create the project, and while the store has never been reached */
  readonly #codeChampion: NewConfig | null;
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #fuse: LocalFuse;
  #state: ProjectState | null = null;
  #isRefusing = false;

  constructor(
    context: EngineContext,
    key: string,
    codeChampion: NewConfig | null,
    forced: ForcedRole | undefined,
  ) {
    super(context);
    this.#context = context;
    this.#router = new Router(context, forced, (session, isFailed) => this.#observe(session, isFailed));
    this.#fuse = new LocalFuse(context, key);
    this.key = key;
    this.#codeChampion = codeChampion;
  }

  get champion(): Config {
    return structuredClone(this.#championBody()) as Config;
  }

  #championBody(): JsonObject {
    const body = this.#state?.champion.body ?? this.#codeChampion?.body;
    if (body) return body;
    throw new DethroneError(
      "project_not_found",
      `Project '${this.key}' has no champion yet: give { champion }.`,
      {
        project: this.key,
      },
    );
  }

  /** Loads the project's state, creating the project if it is new and the host gave a champion. */
  async load(store: Store): Promise<void> {
    let state = await store.projectState(this.key);
    if (!state && this.#codeChampion) {
      await this.#create(store, this.#codeChampion);
      state = await store.projectState(this.key);
    }
    if (!state) await requireProject(store, this.key);
    const isFirst = this.#state === null;
    this.#state = state;
    if (isFirst && state && this.#codeChampion && state.champion.hash !== this.#codeChampion.hash) {
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
    const host = {
      context: this.#context,
      begin: (start: SessionOptions) => this.#begin(start),
      fallback: () => this.#unrecorded({}),
      keep: (task: Promise<unknown>) => this.#keep(task),
    };
    return wrapRunner<Config, R>(host, runner, options);
  }

  async session(options: SessionOptions = {}): Promise<Session<Config>> {
    return this.#begin(options);
  }

  #begin(options: SessionOptions): EngineSession<Config> | Promise<EngineSession<Config>> {
    checkSessionOptions(options);
    const { store } = this.#context;
    if (!store || !this.#state || this.#isRefusing) {
      if (!this.#context.isOff) {
        this.#context.fail(
          "sessionsDropped",
          "the database is away; the champion runs unrecorded",
          this.#whyAway(),
        );
      }
      return this.#unrecorded(options);
    }
    const state = this.#fuse.served(this.#state);
    if (options.id !== undefined || options.unit !== undefined)
      return this.#router.start(store, state, options);
    if (store.queueLength() < BACKLOG_MAX) return this.#router.startNow(store, state, options);
    // A host that never yields would keep the writer's answers from arriving, and its sessions would be dropped.
    return new Promise((resolve) =>
      setImmediate(() => resolve(this.#router.startNow(store, state, options))),
    );
  }

  #observe(session: FusedSession, isFailed: boolean): void {
    const aborting = this.#fuse.observe(this.#state, session, isFailed);
    if (aborting) this.#keep(aborting.then(() => this.refresh()));
  }

  #whyAway(): unknown {
    try {
      this.#context.requireStore();
      return "the project has not been loaded yet";
    } catch (error) {
      return error;
    }
  }

  #unrecorded(options: SessionOptions): EngineSession<Config> {
    return this.#router.unrecorded(this.key, this.#championBody(), options);
  }

  #keep(task: Promise<unknown>): void {
    this.#tasks.add(task);
    task.then(
      () => this.#tasks.delete(task),
      () => this.#tasks.delete(task),
    );
  }

  /** Resolves when the outcomes of the wrapped calls that have returned so far are queued. */
  async settleTasks(): Promise<void> {
    await Promise.allSettled([...this.#tasks]);
  }

  /** Serves the champion unrecorded from here on: the engine closes. */
  refuse(): void {
    this.#isRefusing = true;
  }

  async challenge(
    challengers: Challengers<Config>,
    options: ChallengeOptions = {},
  ): Promise<ChallengeResult> {
    const plan = planChallenge(this.#challengersOf(challengers), options);
    if (this.#context.isOff) return { experiment: null, started: false, status: "off", forecast: null };
    const { store } = this.#context;
    if (!store) return this.#challengeLater(plan);
    try {
      // The project may not have been created yet, if the database was away when it was opened.
      if (!this.#state) await this.load(store);
      const outcome = await challenge(this.#context, store, this.key, plan);
      if (outcome.status === "overlap") {
        this.#context.logger.warn(
          { project: this.key, running: outcome.experiment?.uid ?? null },
          "experiment_overlap: another experiment occupies the project's slot; the challenge did not start",
        );
      }
      await this.refresh();
      return resultOf(outcome);
    } catch (error) {
      if (isDethroneError(error) && (error.kind === "invalid_input" || REFUSED.includes(error.code)))
        throw error;
      this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
      return this.#challengeLater(plan);
    }
  }

  /** Applied to the champion as it is known here, where a function makes the challengers. */
  #challengersOf(challengers: Challengers<Config>): unknown {
    if (typeof challengers !== "function") return challengers;
    return (challengers as (champion: Config) => unknown)(this.champion);
  }

  async draft(challengers: Challengers<Config>, options: DraftOptions = {}): Promise<ChallengeResult> {
    const plan = planChallenge(this.#challengersOf(challengers), options);
    return resultOf(await draft(this.#context, this.#context.requireStore(), this.key, plan));
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
}

function resultOf(outcome: ChallengeOutcome): ChallengeResult {
  return { ...outcome, experiment: outcome.experiment && summaryOf(outcome.experiment) };
}

/** What boot code is told of besides invalid input: it will not get better by trying again. */
const REFUSED: readonly string[] = ["label_taken", "engine_closed"];

const CHALLENGE_RETRY_MS = 1000;

/** Rows waiting to be written from which a new session lets the event loop turn once. */
const BACKLOG_MAX = 2000;

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
