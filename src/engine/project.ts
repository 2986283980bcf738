/**
 * A project as the host holds it: sessions, challenges, and what a person may do.
 */

import { DethroneError, type JsonObject } from "../core/errors.js";
import type { ConfigPreparation } from "./configs/prepared.js";
import { assertPrivate } from "./configs/privacy.js";
import { type EngineContext, within } from "./context.js";
import { DEFAULT_ACTOR } from "./experiments/audit.js";
import { type ChallengeOutcome, challenge, type PlanFor } from "./experiments/challenge.js";
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
import {
  Proposals,
  type ProposalsSettings,
  type ProposedOptions,
  type Proposer,
} from "./experiments/proposer.js";
import { tickExperiment, tickStates } from "./experiments/tick.js";
import type { NewConfig, ProjectState, Store, StoredConfig } from "./ports.js";
import { isRefusal, madeOf } from "./project-input.js";
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
  /** SHA-256 of it, as stored */
  readonly championHash: string;
  /** id of the running experiment, as last known; null where none runs */
  readonly experiment: string | null;
  /**
   * Makes a runner of sessions into a function of the host's: each call starts a session, runs with its config, records how it
   * went, and returns the runner's own result. It never waits for the disk; whatever fails on our side, the runner runs on
   * the champion. A throw of the runner scores 0 and is rethrown as it is.
   *
   * @throws DethroneError `settings_invalid` for a runner or options that are none
   */
  wrap<R extends Runner<Config, Built>>(
    runner: R,
    options?: WrapOptions<ArgsOf<R>, ReturnType<R>>,
  ): Wrapped<R>;
  /**
   * Starts a session, or resumes the one of an `id`, under the config it began with. Resolves without waiting for the store but
   * where a `unit` or an `id` asks for what is stored, for `patienceMs` at most.
   *
   * @throws DethroneError `input_invalid` for options that are none
   */
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
  readonly propose: Proposer<unknown> | undefined;
  /** how what is proposed is to contend */
  readonly proposed: ProposedOptions;
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
  readonly #proposals: Proposals | null;

  constructor(context: EngineContext, settings: EngineProjectSettings) {
    super(context);
    this.#context = context;
    this.#settings = settings;
    this.key = settings.key;
    this.#codeChampion = settings.codeChampion;
    this.#preparation = settings.preparation;
    const refresh = (): Promise<void> => this.refresh();
    const abortByFuse = (experiment: string): Promise<void> => this.#tickForFuse(experiment);
    this.#sessions = new ProjectSessions({ ...settings, context, refresh, abortByFuse });
    const { key, propose, proposed: options } = settings;
    this.#proposals = propose
      ? new Proposals(context, { key, propose, options, refresh, ...this.#proposing() })
      : null;
  }

  get champion(): Config {
    return structuredClone(this.#sessions.champion().config) as Config;
  }

  get championHash(): string {
    return this.#sessions.champion().hash;
  }

  get experiment(): string | null {
    return this.#sessions.experiment;
  }

  /** Makes the champion of the host's code ready. @throws DethroneError `config_invalid` */
  prepareOwn(): Promise<void> {
    return this.#sessions.prepareOwn();
  }

  /** Serves the champion that was last seen, by any process, while this one has not seen the database yet. */
  async recall(): Promise<void> {
    const { champions, clock } = this.#context;
    if (!champions || this.#sessions.state) return;
    const recalled = await within(clock, RECALL_PATIENCE_MS, champions.recall(this.key), null);
    if (recalled) await this.#sessions.serveRecalled(recalled);
  }

  /** Loads the project's state, creating the project if it is new and the host gave a champion. */
  async load(store: Store): Promise<void> {
    const look = this.#sessions.look();
    const known = await store.projectState(this.key);
    if (!known && this.#codeChampion) await this.#create(store, this.#codeChampion);
    const state = known ?? (await requireProject(store, this.key));
    const isFirst = this.#sessions.state === null;
    await this.#sessions.serve(state, store, look);
    this.#context.champions?.remember(this.key, state.champion);
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

  #proposing(): Pick<ProposalsSettings, "championOf" | "planOf"> {
    return {
      championOf: ({ champion }) => this.#usable(champion),
      planOf: (config, options, state) => this.#checkedPlan(config as Config, options, state),
    };
  }

  /** Asks the host's proposer for the next challenger, in the background, where it has one and nothing runs or waits. */
  propose(store: Store): void {
    this.#proposals?.ask(store);
  }

  /** Resolves when the host's proposer is not being asked. */
  async settleProposals(): Promise<void> {
    await this.#proposals?.settle();
  }

  /** Resolves when the outcomes of the wrapped calls that have returned so far are queued. */
  settleTasks(): Promise<void> {
    return this.#sessions.settleTasks();
  }

  /** Serves the champion unrecorded from here on: the engine closes. */
  refuse(): void {
    this.#sessions.refuse();
    this.#proposals?.stop();
  }

  /** A tick at once: it asks the database, whose live counts know what every process has seen. */
  async #tickForFuse(uid: string): Promise<void> {
    const store = this.#context.requireStore();
    await store.flush();
    const [state] = await tickStates(store, [uid]);
    // While a promotion waits for a person the fuse ends nothing, but neither is a failing challenger served here.
    if (state?.experiment.status !== "running" || state.experiment.awaitingSeq !== null) return;
    await tickExperiment(this.#context, store, state, { isDryRun: false, actor: "fuse" });
  }

  async challenge(
    challengers: Challengers<Config>,
    options: ChallengeOptions = {},
  ): Promise<ChallengeResult> {
    const { store, isOff } = this.#context;
    // What can never be right is told at once, by the champion known here where the stored one is out of reach.
    if (isOff || !store || typeof challengers !== "function") {
      const plan = this.#planOf(challengers, options, () => this.champion);
      if (isOff) return OFF;
      await this.#checkChallengers(plan.challengers);
    }
    const planFor: PlanFor = (state) => this.#checkedPlan(challengers, options, state);
    if (!store) return this.#challengeLater(planFor);
    try {
      // The project may not have been created yet, if the database was away when it was opened.
      if (!this.#sessions.state) await this.load(store);
      const outcome = await challenge(this.#context, store, this.key, planFor);
      if (outcome.status === "overlap") {
        this.#context.logger.warn(
          { project: this.key, running: outcome.experiment?.uid ?? null },
          "experiment_overlap: another experiment occupies the project's slot; the challenge did not start",
        );
      }
      await this.refresh();
      return resultOf(outcome);
    } catch (error) {
      if (isRefusal(error)) throw error;
      this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
      return this.#challengeLater(planFor);
    }
  }

  async draft(challengers: Challengers<Config>, options: DraftOptions = {}): Promise<ChallengeResult> {
    if (this.#context.isOff) {
      this.#planOf(challengers, options, () => this.champion);
      return OFF;
    }
    const planFor: PlanFor = (state) => this.#checkedPlan(challengers, options, state);
    return resultOf(await draft(this.#context, this.#context.requireStore(), this.key, planFor));
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

  /**
   * What the project was opened with holds for its challenges, unless they say otherwise.
   *
   * @param champion asked for where a function makes the challengers from it
   */
  #planOf(challengers: Challengers<Config>, options: DraftOptions, champion: () => Config): ChallengePlan {
    const { allowSecrets } = this.#settings;
    const list: unknown =
      typeof challengers === "function"
        ? madeOf(challengers as (champion: Config) => unknown, champion())
        : challengers;
    return planChallenge(list, { allowSecrets, ...options });
  }

  /** The plan for a project as it is stored: a champion that this process has not heard of yet counts too. */
  async #checkedPlan(
    challengers: Challengers<Config>,
    options: DraftOptions,
    { champion }: ProjectState,
  ): Promise<ChallengePlan> {
    const config = typeof challengers === "function" ? await this.#usable(champion) : undefined;
    const plan = this.#planOf(challengers, options, () => config as Config);
    await this.#checkChallengers(plan.challengers);
    return plan;
  }

  /** The stored champion as the host's code knows it. @throws DethroneError `champion_differs` where it cannot use it */
  async #usable(champion: StoredConfig): Promise<Config> {
    try {
      const { config } = await this.#preparation.prepare(champion);
      return structuredClone(config) as Config;
    } catch (cause) {
      throw new DethroneError(
        "champion_differs",
        `The champion of project '${this.key}' is one that this process cannot use, so it can make no challenger from it.`,
        { project: this.key, champion: champion.hash },
        { cause },
      );
    }
  }

  /** Boot code must not fail because the database is away: the challenge starts once it is back. */
  #challengeLater(planFor: PlanFor): ChallengeResult {
    const again = (): void => {
      const { store } = this.#context;
      if (!store) {
        this.#context.whenOpen(again);
        return;
      }
      // The project itself may have to be created first.
      this.refresh()
        .then(() => challenge(this.#context, store, this.key, planFor))
        .then(() => this.refresh())
        .catch((error: unknown) => {
          if (isRefusal(error)) {
            this.#context.fail(null, "a challenge that had to wait is refused", error);
            return;
          }
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

const OFF: ChallengeResult = { experiment: null, started: false, status: "off", forecast: null };

const CHALLENGE_RETRY_MS = 1000;

/** How long a start waits for a remembered champion. */
const RECALL_PATIENCE_MS = 250;
