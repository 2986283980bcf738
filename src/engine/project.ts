/**
 * A project as the host holds it: sessions, challenges, and what a person may do.
 */

import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import type { ConfigPreparation } from "./configs/prepared.js";
import { assertPrivate } from "./configs/privacy.js";
import { configWithoutSecrets } from "./configs/secrets.js";
import type { EngineContext } from "./context.js";
import { DEFAULT_ACTOR } from "./experiments/audit.js";
import { type ChallengeOutcome, challenge } from "./experiments/challenge.js";
import {
  type ChallengeOptions,
  type ChallengePlan,
  challengersFrom,
  planChallenge,
} from "./experiments/challenge-plan.js";
import type { Forecast } from "./experiments/detect.js";
import { type DraftOptions, draft, type EditInput } from "./experiments/drafts.js";
import { type ExperimentSummary, summaryOf } from "./experiments/experiment-summary.js";
import { requireProject } from "./experiments/lookup.js";
import { ProjectExperiments, type ProjectExperimentsApi } from "./experiments/project-experiments.js";
import type { NewConfig, Store } from "./ports.js";
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

/** One challenger, or several; a function makes them from the champion, so that what it leaves alone stays. */
export type Challengers<Config> =
  | Config
  | readonly Config[]
  | ((champion: Config) => Config | readonly Config[]);

/** One agent whose config is being improved. */
export interface Project<Config = JsonObject, Built = undefined> extends ProjectExperimentsApi<Config> {
  readonly key: string;
  /** the champion's config, as last known */
  readonly champion: Config;
  wrap<R extends Runner<Config, Built>>(
    runner: R,
    options?: WrapOptions<ArgsOf<R>, ReturnType<R>>,
  ): Wrapped<R>;
  session(options?: SessionOptions): Promise<Session<Config, Built>>;
  /** Starts a contest between the champion and one challenger or several; idempotent, so boot code may call it. */
  challenge(challengers: Challengers<Config>, options?: ChallengeOptions): Promise<ChallengeResult>;
  /** Plans a contest that starts later: by `start`, or at a time. */
  draft(challengers: Challengers<Config>, options?: DraftOptions): Promise<ChallengeResult>;
}

/** What a project is made of. */
export interface EngineProjectSettings {
  readonly key: string;
  /** the champion of the host's code: used to create the project, and while the store has never been reached */
  readonly codeChampion: NewConfig | null;
  readonly preparation: ConfigPreparation;
  readonly allowSecrets: readonly string[] | undefined;
  readonly forced: ForcedRole | undefined;
}

/** The project the engine hands out. */
export class EngineProject<Config, Built>
  extends ProjectExperiments<Config>
  implements Project<Config, Built>
{
  readonly key: string;
  readonly #context: EngineContext;
  readonly #settings: EngineProjectSettings;
  readonly #codeChampion: NewConfig | null;
  readonly #preparation: ConfigPreparation;
  readonly #sessions: ProjectSessions<Config, Built>;

  constructor(context: EngineContext, settings: EngineProjectSettings) {
    super(context);
    this.#context = context;
    this.#settings = settings;
    this.key = settings.key;
    this.#codeChampion = settings.codeChampion;
    this.#preparation = settings.preparation;
    const refresh = (): Promise<void> => this.refresh();
    this.#sessions = new ProjectSessions({ ...settings, context, refresh });
  }

  get champion(): Config {
    return structuredClone(this.#sessions.champion().config) as Config;
  }

  /** Makes the champion of the host's code ready. @throws DethroneError `config_invalid` */
  prepareOwn(): Promise<void> {
    return this.#sessions.prepareOwn();
  }

  /** Loads the project's state, creating the project if it is new and the host gave a champion. */
  async load(store: Store): Promise<void> {
    const known = await store.projectState(this.key);
    if (!known && this.#codeChampion) await this.#create(store, this.#codeChampion);
    const state = known ?? (await requireProject(store, this.key));
    const isFirst = this.#sessions.state === null;
    await this.#sessions.serve(state);
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

  wrap<R extends Runner<Config, Built>>(
    runner: R,
    options: WrapOptions<ArgsOf<R>, ReturnType<R>> = {},
  ): Wrapped<R> {
    return this.#sessions.wrap(runner, options);
  }

  session(options: SessionOptions = {}): Promise<Session<Config, Built>> {
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

  async challenge(
    challengers: Challengers<Config>,
    options: ChallengeOptions = {},
  ): Promise<ChallengeResult> {
    const plan = this.#planOf(challengers, options);
    if (this.#context.isOff) return { experiment: null, started: false, status: "off", forecast: null };
    await this.#checkChallengers(plan.challengers);
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
    const plan = this.#planOf(challengers, options);
    await this.#checkChallengers(plan.challengers);
    return resultOf(await draft(this.#context, this.#context.requireStore(), this.key, plan));
  }

  override async edit(experiment: string, changes: EditInput): Promise<ExperimentSummary> {
    if (changes.add === undefined) return super.edit(experiment, changes);
    const { allowSecrets } = this.#settings;
    const input = { allowSecrets, ...changes };
    await this.#checkChallengers(challengersFrom(input.add, input));
    return super.edit(experiment, input);
  }

  /**
   * A challenger that this host cannot use would never get a session.
   *
   * @throws DethroneError `config_invalid`; `privacy_refused` where the host's guard refuses it
   */
  async #checkChallengers(challengers: ChallengePlan["challengers"]): Promise<void> {
    for (const { config } of challengers) {
      assertPrivate(this.#context.guard, "config", config.body);
      await this.#preparation.prepare(config);
    }
  }

  /** What the project was opened with holds for its challenges, unless they say otherwise. */
  #planOf(challengers: Challengers<Config>, options: DraftOptions): ChallengePlan {
    const { allowSecrets } = this.#settings;
    return planChallenge(this.#challengersOf(challengers), { allowSecrets, ...options });
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

/** @throws DethroneError `config_invalid`, `config_secret` */
export function championOf(champion: unknown, allowSecrets?: readonly string[]): NewConfig | null {
  return champion === undefined ? null : configWithoutSecrets(champion, allowSecrets);
}
