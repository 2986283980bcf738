/**
 * The engine: projects, signals, the tick, the schedule.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Cron } from "croner";
import { DethroneError, type JsonObject, received } from "../core/errors.js";
import { ConfigPreparation } from "./configs/prepared.js";
import { type ContextSettings, EngineContext, type Health, within } from "./context.js";
import { EngineDesk } from "./engine-desk.js";
import { checkActor } from "./experiments/audit.js";
import { type ProposedOptions, type Proposer, proposerOf } from "./experiments/proposer.js";
import type { TickResult } from "./experiments/tick.js";
import { Ticker, type TickOptions } from "./experiments/ticker.js";
import type { BackupFile, SignalReceipt } from "./ports.js";
import { EngineProject, type EngineProjectSettings, type Project } from "./project.js";
import { codeChampionOf } from "./project-input.js";
import type { ForcedRole } from "./sessions/route.js";
import { checkSignalOf, type Receipt, recordSignal, type SignalInput } from "./sessions/session.js";
import { type DoctorOptions, type DoctorReport, doctor } from "./upkeep/doctor.js";
import { type ForgetOptions, type ForgetResult, forget } from "./upkeep/forget.js";
import { type PruneOptions, type PruneResult, prune } from "./upkeep/prune.js";

/** What an engine runs on; see `createEngine` for the settings of a host. */
export interface EngineSettings extends ContextSettings {
  /** reject where the database cannot be opened, instead of starting degraded */
  readonly isStrict: boolean;
  /** how often, in milliseconds, the champions and experiments are looked at again */
  readonly refreshMs: number;
  /** in tests of a host: the role every session gets */
  readonly force?: ForcedRole | undefined;
}

/** How a project is opened. */
export interface ProjectOptions<Config, Built = undefined> {
  /** the first champion, used when the project is created, and while the database has never been reached */
  readonly champion?: Config;
  /** makes of a config what the agent uses, once a process, as `session.built` */
  readonly build?: (config: Config) => Built | Promise<Built>;
  readonly schema?: undefined;
  /** asked by ticks for the next challenger, when nothing runs and nothing waits */
  readonly proposer?: Proposer<Config> | undefined;
  /** how what the proposer proposes is to contend: share, policy, ... */
  readonly proposed?: ProposedOptions | undefined;
  /** dotted paths of fields that look like secrets and are none, e.g. `auth.tokenName`; see `config_secret` */
  readonly allowSecrets?: readonly string[] | undefined;
}

/** How a project is opened whose configs a schema describes. */
export interface SchemaProjectOptions<Schema extends StandardSchemaV1, Built = undefined> {
  /** checks every config before it is used, and may fill in defaults: zod, valibot, arktype, any Standard Schema */
  readonly schema: Schema;
  /** see {@link ProjectOptions} */
  readonly champion?: StandardSchemaV1.InferInput<Schema>;
  /** see {@link ProjectOptions} */
  readonly build?: (config: StandardSchemaV1.InferOutput<Schema>) => Built | Promise<Built>;
  /** see {@link ProjectOptions} */
  readonly proposer?: Proposer<StandardSchemaV1.InferOutput<Schema>> | undefined;
  /** see {@link ProjectOptions} */
  readonly proposed?: ProposedOptions | undefined;
  /** see {@link ProjectOptions} */
  readonly allowSecrets?: readonly string[] | undefined;
}

/** How a tick runs. */
export interface DecideOptions extends TickOptions {}

/** How a schedule runs. */
export interface ScheduleOptions extends DecideOptions {
  readonly onTick?: (results: TickResult[]) => void | Promise<void>;
  /** told of a tick that failed; it is logged in any case, and the next one tries again */
  readonly onError?: (error: unknown) => void;
  /** keeps the process alive; default false, so that a host may exit */
  readonly keepsAlive?: boolean;
}

/** A running schedule. */
export interface Schedule {
  /** when it ticks next, in milliseconds since the epoch; null once stopped */
  nextAtMs(): number | null;
  stop(): void;
}

/** How long the start waits for the database, and a project for its state, before going on without. */
const START_PATIENCE_MS = 1000;
/** How long flushing waits for scores and listeners that the host is still working on. */
const FLUSH_PATIENCE_MS = 10_000;

/** One process's connection to everything. */
export class Engine extends EngineDesk implements AsyncDisposable {
  readonly #context: EngineContext;
  readonly #settings: EngineSettings;
  readonly #projects = new Map<string, EngineProject<unknown, unknown>>();
  /** projects on their way in, so that two callers at once get the same one */
  readonly #loading = new Map<string, Promise<EngineProject<unknown, unknown>>>();
  readonly #schedules = new Set<Cron>();
  readonly #ticker: Ticker;
  #cancelRefresh: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  private constructor(settings: EngineSettings) {
    super(new EngineContext(settings));
    this.#settings = settings;
    this.#context = this.context;
    this.#ticker = new Ticker(this.#context, {
      refresh: async (key) => this.#projects.get(key)?.refresh(),
      propose: (store, only) => {
        for (const [key, project] of this.#projects)
          if (only === null || key === only) project.propose(store);
      },
    });
  }

  /** @throws DethroneError where `isStrict` and the database cannot be opened */
  static async start(settings: EngineSettings): Promise<Engine> {
    const engine = new Engine(settings);
    if (!settings.isOff) await engine.#open();
    return engine;
  }

  async #open(): Promise<void> {
    const context = this.#context;
    const opened = context.open();
    if (this.#settings.isStrict) await opened;
    else await this.#openInTime(opened);
    context.whenReopened(() => this.#refreshAll());
    this.#scheduleRefresh();
  }

  /** Waits for the database for a while; the engine starts without it and goes on trying. */
  async #openInTime(opened: Promise<void>): Promise<void> {
    const context = this.#context;
    const away = (error: unknown): void =>
      context.fail(
        null,
        "the database cannot be opened; agents run on the last known champion, unrecorded",
        error,
      );
    const settled = opened.then(
      () => "open" as const,
      (error: unknown) => {
        away(error);
        context.keepOpening();
        return "failed" as const;
      },
    );
    if ((await within(context.clock, START_PATIENCE_MS, settled, null)) === "open") return;
    context.whenOpen(() => void this.#refreshAll());
  }

  #scheduleRefresh(): void {
    this.#cancelRefresh = this.#context.clock.after(this.#settings.refreshMs, () => {
      void this.#refreshAll().finally(() => {
        if (!this.#context.isClosed) this.#scheduleRefresh();
      });
    });
  }

  async #refreshAll(): Promise<void> {
    this.#context.reopenIfDead();
    // Side by side: a host that takes its time with the configs of one holds up no other.
    await Promise.all([...this.#projects.values()].map((project) => project.refresh()));
    void this.#context.recover();
  }

  /**
   * A project by its key, created if new.
   *
   * Rejects for invalid input alone: where the database is away the project serves the champion given.
   *
   * @throws DethroneError `settings_invalid`, `config_invalid`, `config_secret`; `project_not_found` where it does not exist and no
   *   champion is given
   */
  project<Schema extends StandardSchemaV1, Built = undefined>(
    key: string,
    options: SchemaProjectOptions<Schema, Built>,
  ): Promise<Project<StandardSchemaV1.InferOutput<Schema>, Built>>;
  project<Config = JsonObject, Built = undefined>(
    key: string,
    options?: ProjectOptions<Config, Built>,
  ): Promise<Project<Config, Built>>;
  async project<Config, Built>(
    key: string,
    options: ProjectOptions<Config, Built> | SchemaProjectOptions<StandardSchemaV1, Built> = {},
  ): Promise<Project<Config, Built>> {
    const { allowSecrets } = options;
    const codeChampion = codeChampionOf(key, options, this.#context.guard);
    const known = this.#projects.get(key) ?? this.#loading.get(key);
    if (known) return (await known) as EngineProject<Config, Built>;
    const preparation = new ConfigPreparation(options);
    const { propose, proposed } = proposerOf(options);
    const proposing = { propose, proposed, allowSecrets, forced: this.#settings.force };
    const settings = { key, codeChampion, preparation, ...proposing };
    const loading = this.#newProject(settings).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return (await loading) as EngineProject<Config, Built>;
  }

  async #newProject(settings: EngineProjectSettings): Promise<EngineProject<unknown, unknown>> {
    const hasChampion = settings.codeChampion !== null;
    const project = new EngineProject<unknown, unknown>(this.#context, settings);
    await project.prepareOwn();
    if (this.#context.store) await this.#load(project, hasChampion);
    else if (!hasChampion) this.#context.requireStore();
    if (!this.#context.isOff) await project.recall();
    this.#projects.set(settings.key, project);
    // What was left by processes that are gone may be this project's, which exists from now on.
    void this.#context.recover();
    return project;
  }

  async #load(project: EngineProject<unknown, unknown>, hasChampion: boolean): Promise<void> {
    const loaded = project.load(this.#context.requireStore());
    if (!hasChampion || this.#settings.isStrict) return loaded;
    const away = (error: unknown): void =>
      this.#context.fail(null, "a project could not be loaded; the champion of the code serves", error);
    // Whether it is late or fails, the project serves the code's champion and is looked at again with the others.
    await within(this.#context.clock, START_PATIENCE_MS, loaded.catch(away), undefined);
  }

  /**
   * Records a signal of any session, from any process; resolves when it is on disk.
   *
   * @throws DethroneError `signal_invalid`, `session_not_found`, `idempotency_mismatch`
   */
  async signal(sessionId: string, signal: SignalInput): Promise<Receipt<SignalReceipt>> {
    checkSignalOf(sessionId, signal);
    if (this.#context.isOff) return { status: "off" };
    return recordSignal(this.#context, this.#context.requireStore(), sessionId, signal);
  }

  /**
   * One tick: settles what is due, folds what has settled, decides, over every running experiment. Webhooks are told
   * afterwards, in the background. Proposers that it has asked are waited for, five minutes at most; a schedule does not
   * wait for them.
   */
  async decide(options: DecideOptions = {}): Promise<TickResult[]> {
    if (this.#context.isOff) return [];
    const store = this.#context.requireStore();
    checkActor(options.actor ?? "tick");
    const results = await this.#ticker.tick(store, options);
    const projects = [...this.#projects.values()];
    if (!options.dryRun) {
      this.courier.wake();
      await Promise.all(projects.map((project) => project.settleProposals()));
    }
    return results;
  }

  /**
   * Ticks on a cron schedule until stopped or the engine closes. A tick that takes longer than the interval is not
   * overlapped, here or in another process, and one that fails is logged and tried again at the next time.
   *
   * @throws DethroneError `settings_invalid` for an expression that is not cron
   */
  schedule(expression: string, options: ScheduleOptions = {}): Schedule {
    const tick = async (): Promise<void> => {
      try {
        if (this.#context.isOff) return;
        const results = await this.#ticker.tickAlone(this.#context.requireStore(), options);
        if (results && !options.dryRun) this.courier.wake();
        await options.onTick?.(results ?? []);
      } catch (error) {
        this.#context.fail(null, "a scheduled tick failed; the next one tries again", error);
        options.onError?.(error);
      }
    };
    if (this.#context.isClosed) throw new DethroneError("engine_closed", "The engine is closed.");
    const cron = this.#cron(expression, tick, options.keepsAlive ?? false);
    this.#schedules.add(cron);
    return {
      nextAtMs: () => cron.nextRun()?.getTime() ?? null,
      stop: () => {
        cron.stop();
        this.#schedules.delete(cron);
      },
    };
  }

  #cron(expression: string, tick: () => Promise<void>, keepsAlive: boolean): Cron {
    try {
      return new Cron(expression, { protect: true, unref: !keepsAlive }, tick);
    } catch (error) {
      throw new DethroneError(
        "settings_invalid",
        `'${expression}' is not a cron expression: ${String(error)}.`,
        {
          received: received(expression),
          allowed: "a cron expression such as '*/5 * * * *'",
        },
      );
    }
  }

  /** The health of the database: whether it is sound, whether a job is ticking, and what to do about it. */
  doctor(options: DoctorOptions = {}): Promise<DoctorReport> {
    return doctor(this.#context, this.#context.requireStore(), options);
  }

  /**
   * Deletes the sessions of experiments that ended long ago, and sessions outside of experiments that settled long ago.
   * Evidence, decisions and reports stay as they are, and can still be recomputed.
   *
   * @throws DethroneError `settings_invalid`, `project_not_found`
   */
  prune(options: PruneOptions): Promise<PruneResult> {
    return prune(this.#context, this.#context.requireStore(), options);
  }

  /**
   * Erases what is stored of a unit, in all projects or in one; the evidence stays. Afterwards the unit is a new one.
   *
   * @throws DethroneError `input_invalid`, `settings_invalid`, `project_not_found`
   */
  forget(unit: string, options: ForgetOptions): Promise<ForgetResult> {
    return forget(this.#context, this.#context.requireStore(), unit, options);
  }

  /**
   * Copies the database to a new file while agents write, and checks the copy. To restore it, use the file.
   *
   * @throws DethroneError `file_exists`, `storage_unavailable`, `database_invalid`
   */
  async backup(path: string): Promise<BackupFile> {
    const store = this.#context.requireStore();
    await store.flush();
    return store.upkeep.backup(path);
  }

  /** How the engine is doing. */
  health(): Health {
    return this.#context.health();
  }

  /**
   * Resolves when everything recorded so far is on disk (in the database, or beside it while that is away) and the host's
   * listeners have been told. Asynchronous scores still being taken, and listeners still at work, are waited for, but no
   * longer than 10 seconds.
   */
  async flush(): Promise<void> {
    await this.#settleTasks();
    await this.#context.store?.flush();
  }

  async #settleTasks(): Promise<void> {
    const { exposures, decisions, champions, clock } = this.#context;
    const tasks = [...this.#projects.values()].map((project) => project.settleTasks());
    const told = [exposures.flush(), decisions.flush(), champions?.flush()];
    await within(clock, FLUSH_PATIENCE_MS, Promise.all([...tasks, ...told]), undefined);
  }

  /**
   * Takes nothing new, writes what is queued, and closes, in bounded time; safe to call twice. What the database does not
   * take is left beside it for the next process.
   *
   * A process with nothing left to do closes its engines itself. One that ends otherwise (`process.exit`, a signal that is
   * not in `closeOn`) keeps every `end`, `signal` and `flush` that has resolved, and loses what was still queued: a host
   * that stops on SIGTERM closes first.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelRefresh?.();
    for (const cron of this.#schedules) cron.stop();
    for (const project of this.#projects.values()) project.refuse();
    const { clock } = this.#context;
    const told = within(clock, FLUSH_PATIENCE_MS, this.courier.idle(), undefined);
    await Promise.all([this.#settleTasks(), told]);
    this.courier.stop();
    await this.#context.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
