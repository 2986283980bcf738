/**
 * The sessions of one project: begun by the state in memory, joined where they are parts of one that is under way, and
 * the champion's without a record where there is no telling what to do.
 */
import { DethroneError } from "../../core/errors.js";
import { identifyConfig } from "../configs/config.js";
import type { ConfigPreparation, PreparedConfig } from "../configs/prepared.js";
import { type SessionContext, within } from "../context.js";
import { inLaterTurn } from "../platform.js";
import type { NewConfig, ServedState, SessionStore } from "../ports.js";
import { enclosingSession } from "./current-session.js";
import { type AbortByFuse, type FusedSession, LocalFuse } from "./local-fuse.js";
import { Readiness, type ReadyState } from "./ready-state.js";
import type { ForcedRole } from "./route.js";
import { Router, type Serving, type SessionPlan } from "./router.js";
import type { EngineSession, Session } from "./session.js";
import { checkSessionOptions, type SessionOptions, type SessionParent } from "./session-options.js";
import {
  type ArgsOf,
  type BegunSession,
  type Runner,
  type WrapOptions,
  type Wrapped,
  wrapRunner,
} from "./wrap.js";

/** Rows waiting to be written from which a new session lets the event loop turn once. */
const BACKLOG_MAX = 2000;

/** How long the host may take to make a remembered champion ready. */
const RECALL_PATIENCE_MS = 1000;

/** What the sessions of a project need to know of it. */
export interface ProjectSessionsSettings {
  readonly context: SessionContext;
  readonly key: string;
  /** the champion of the host's code, which serves while the store has never been reached */
  readonly codeChampion: NewConfig | null;
  /** how the host checks configs and builds what its agent uses of them */
  readonly preparation: ConfigPreparation;
  readonly forced: ForcedRole | undefined;
  readonly abortByFuse: AbortByFuse;
  /** looks at the stored state again, which has just changed; never rejects */
  readonly refresh: () => Promise<void>;
}

/** Begins the sessions of one project. */
export class ProjectSessions<Config, Built> {
  readonly #settings: ProjectSessionsSettings;
  readonly #context: SessionContext;
  readonly #router: Router;
  readonly #readiness: Readiness;
  readonly #fuse: LocalFuse;
  readonly #tasks = new Set<Promise<unknown>>();
  #state: ServedState | null = null;
  /** the store that the state was read from: its ids are of that one's database */
  #store: SessionStore | null = null;
  /** what sessions are begun by; null before the first state, and where its champion could not be made ready */
  #ready: ReadyState | null = null;
  /** the champion of the host's code */
  #own: PreparedConfig | null = null;
  /** who serves where nothing can be recorded: the stored champion, or the code's where that one is not ready */
  #champion: PreparedConfig | null = null;
  /** looks taken so far, and that of the state that is served: an older one may take longer to be read or made ready */
  #looks = 0;
  #served = 0;
  #isRefusing = false;

  constructor(settings: ProjectSessionsSettings) {
    const { context, key, preparation, abortByFuse } = settings;
    const observe = (session: FusedSession, isFailed: boolean): void => this.#observe(session, isFailed);
    this.#settings = settings;
    this.#context = context;
    this.#router = new Router({ ...settings, observe });
    this.#readiness = new Readiness(context, key, preparation);
    this.#fuse = new LocalFuse(context, key, abortByFuse);
  }

  /** The project's state, as last known. */
  get state(): ServedState | null {
    return this.#state;
  }

  /** Id of the running experiment, as last known; null where none runs. */
  get experiment(): string | null {
    const experiment = this.#state?.experiment;
    return experiment?.status === "running" ? experiment.uid : null;
  }

  /** Makes the champion of the host's code ready. @throws DethroneError `config_invalid` */
  async prepareOwn(): Promise<void> {
    const { codeChampion, preparation } = this.#settings;
    if (codeChampion) this.#own = await preparation.prepare(codeChampion);
    this.#champion = this.#own;
  }

  /**
   * Serves a remembered champion, which nobody vouches for, until the first state; nothing is recorded of its sessions.
   * One that is not what its hash says, or that the host refuses, is left alone.
   */
  async serveRecalled(recalled: NewConfig): Promise<void> {
    try {
      const champion = identifyConfig(recalled.body);
      if (champion.hash !== recalled.hash) return;
      const prepared = await within(
        this.#context.clock,
        RECALL_PATIENCE_MS,
        this.#settings.preparation.prepare(champion),
        null,
      );
      if (prepared && !this.#state) this.#champion = prepared;
    } catch (error) {
      this.#context.fail(null, "the last known champion could not be prepared; the code's serves", error);
    }
  }

  /** To be taken before a state is read, and given to {@link serve} with it: what is read later is not undone by it. */
  look(): number {
    this.#looks += 1;
    return this.#looks;
  }

  /**
   * Makes a state ready; sessions are begun by it from then on, unless one that was looked for later is served already.
   *
   * @throws DethroneError `config_invalid` where its champion cannot be, and there has never been another to serve
   */
  async serve(state: ServedState, store: SessionStore, look: number): Promise<void> {
    const ready = await this.#readiness.of(state);
    if (look < this.#served) return;
    this.#served = look;
    this.#state = state;
    this.#store = store;
    this.#ready = ready;
    this.#champion = ready?.configs.get(state.champion.id) ?? this.#own ?? this.#champion;
    if (!this.#champion) throw this.#readiness.failureOf(state.champion);
  }

  /** The champion as last known. @throws DethroneError `project_not_found` */
  champion(): PreparedConfig {
    if (this.#champion) return this.#champion;
    const { key } = this.#settings;
    throw new DethroneError("project_not_found", `Project '${key}' has no champion yet: give { champion }.`, {
      project: key,
    });
  }

  /** See `Project.wrap`. */
  wrap<R extends Runner<Config, Built>>(
    runner: R,
    options: WrapOptions<ArgsOf<R>, ReturnType<R>>,
  ): Wrapped<R> {
    const host = {
      context: this.#context,
      begin: (start: SessionOptions) => this.#begin(start),
      fallback: () => this.#unrecorded({ root: null }),
      keep: (task: Promise<unknown>) => this.#keep(task),
    };
    return wrapRunner(host, runner, options);
  }

  /** See `Project.session`. */
  async session(options: SessionOptions): Promise<Session<Config, Built>> {
    const { session } = await this.#begin(options);
    return session as Session<Config, Built>;
  }

  /** Joins the parent where that is a session of this project, or starts a session of its own. */
  #begin(options: SessionOptions): BegunSession | Promise<BegunSession> {
    checkSessionOptions(options, this.#context.guard);
    const here = enclosingSession();
    const { parent = here ?? null, id } = options;
    const plan = planOf(options, parent);
    if (parent === null || id !== undefined) return own(this.#start(plan));
    if (parent.id === here?.id) {
      return this.#isJoinable(here, options) ? { session: here, isJoined: true } : own(this.#start(plan));
    }
    return parent.project === this.#settings.key ? this.#join(parent, options) : own(this.#start(plan));
  }

  /** What another engine of this process has under way is known here as a root alone. */
  #isJoinable(here: EngineSession, { unit }: SessionOptions): boolean {
    return here.isOf(this.#context, this.#settings.key) && (unit === undefined || unit === here.unit);
  }

  /** A session that runs elsewhere, known by its id. */
  async #join(parent: SessionParent, options: SessionOptions): Promise<BegunSession> {
    const root = parent.root === parent.id ? null : parent.root;
    const plan = { ...planOf(options, null), id: parent.id, root };
    const serving = this.#serving();
    if (!serving) return { session: this.#unrecorded(plan), isJoined: true };
    const session = await this.#router.join(serving, plan);
    return session ? { session, isJoined: true } : own(await this.#start(planOf(options, parent)));
  }

  #start(plan: SessionPlan): EngineSession | Promise<EngineSession> {
    const serving = this.#serving();
    if (!serving) return this.#unrecorded(plan);
    const hasTurn = serving.store.queueLength() < BACKLOG_MAX;
    const mustWait = plan.durable === true;
    const known = hasTurn && !mustWait ? this.#router.startKnown(serving, plan) : null;
    if (known) return known;
    if (mustWait || plan.id !== undefined || plan.unit !== undefined)
      return this.#router.start(serving, plan);
    if (hasTurn) return this.#router.startNow(serving, plan);
    // A host that never yields would keep the writer's answers from arriving, and its sessions would be dropped.
    return new Promise((resolve) => inLaterTurn(() => resolve(this.#router.startNow(serving, plan))));
  }

  /** What sessions are started by; null, which is counted, where nothing can be recorded. */
  #serving(): Serving | null {
    // A store that has been given up goes on keeping what is recorded until the state has been read from the next one.
    const store = this.#context.store && this.#store;
    const ready = this.#ready;
    if (store && ready && !this.#isRefusing)
      return { ...ready, store, state: this.#fuse.served(ready.state) };
    if (!this.#context.isOff) {
      const message =
        store && this.#state && !this.#isRefusing
          ? "the stored champion could not be prepared; the code's champion runs unrecorded"
          : `the ${this.#context.storage.name} is away; the champion runs unrecorded`;
      this.#context.fail("sessionsDropped", message, this.#whyAway());
    }
    return null;
  }

  #whyAway(): unknown {
    try {
      this.#context.requireStore();
      return this.#state ? "its config is not ready" : "the project has not been loaded yet";
    } catch (error) {
      return error;
    }
  }

  #unrecorded(plan: SessionPlan): EngineSession {
    return this.#router.unrecorded(this.champion(), plan);
  }

  #observe(session: FusedSession, isFailed: boolean): void {
    const aborting = this.#fuse.observe(this.#state, session, isFailed);
    if (aborting) this.#keep(aborting.then(() => this.#settings.refresh()));
  }

  #keep(task: Promise<unknown>): void {
    this.#tasks.add(task);
    this.#context.inBackground(task);
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
}

function planOf(options: SessionOptions, parent: SessionParent | null): SessionPlan {
  const { id, unit, context, durable, requestId } = options;
  const root = parent && (parent.root ?? parent.id);
  // A session resumed within itself is no part of itself.
  return { id, unit, context, durable, requestId, root: root === id ? null : root };
}

function own(session: EngineSession | Promise<EngineSession>): BegunSession | Promise<BegunSession> {
  return session instanceof Promise
    ? session.then((started) => ({ session: started, isJoined: false }))
    : { session, isJoined: false };
}
