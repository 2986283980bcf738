/**
 * The sessions of one project: begun by the state in memory, joined where they are parts of one that is under way, and
 * the champion's without a record where there is no telling what to do.
 */
import { DethroneError, type JsonObject } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import type { NewConfig, ProjectState, Store } from "../ports.js";
import { enclosingSession } from "./current-session.js";
import { type FusedSession, LocalFuse } from "./local-fuse.js";
import type { ForcedRole } from "./route.js";
import { Router, type SessionPlan } from "./router.js";
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

/** What the sessions of a project need to know of it. */
export interface ProjectSessionsSettings {
  readonly context: EngineContext;
  readonly key: string;
  /** the champion of the host's code, which serves while the store has never been reached */
  readonly codeChampion: NewConfig | null;
  readonly forced: ForcedRole | undefined;
  /** looks at the stored state again, which has just changed; never rejects */
  readonly refresh: () => Promise<void>;
}

/** Begins the sessions of one project. */
export class ProjectSessions<Config> {
  readonly #settings: ProjectSessionsSettings;
  readonly #context: EngineContext;
  readonly #router: Router;
  readonly #fuse: LocalFuse;
  readonly #tasks = new Set<Promise<unknown>>();
  #state: ProjectState | null = null;
  #isRefusing = false;

  constructor(settings: ProjectSessionsSettings) {
    const { context, key, forced } = settings;
    this.#settings = settings;
    this.#context = context;
    this.#router = new Router(context, forced, (session, isFailed) => this.#observe(session, isFailed));
    this.#fuse = new LocalFuse(context, key);
  }

  /** The project's state, as last known. */
  get state(): ProjectState | null {
    return this.#state;
  }

  /** Sessions are begun by this state from here on. */
  serve(state: ProjectState): void {
    this.#state = state;
  }

  /** The champion's config, as last known. @throws DethroneError `project_not_found` */
  championBody(): JsonObject {
    const { codeChampion, key } = this.#settings;
    const body = this.#state?.champion.body ?? codeChampion?.body;
    if (body) return body;
    throw new DethroneError("project_not_found", `Project '${key}' has no champion yet: give { champion }.`, {
      project: key,
    });
  }

  /** See `Project.wrap`. */
  wrap<R extends Runner<Config>>(runner: R, options: WrapOptions<ArgsOf<R>, ReturnType<R>>): Wrapped<R> {
    const host = {
      context: this.#context,
      begin: (start: SessionOptions) => this.#begin(start),
      fallback: () => this.#unrecorded({ root: null }),
      keep: (task: Promise<unknown>) => this.#keep(task),
    };
    return wrapRunner<Config, R>(host, runner, options);
  }

  /** See `Project.session`. */
  async session(options: SessionOptions): Promise<Session<Config>> {
    const { session } = await this.#begin(options);
    return session;
  }

  /** Joins the parent where that is a session of this project, or starts a session of its own. */
  #begin(options: SessionOptions): BegunSession<Config> | Promise<BegunSession<Config>> {
    checkSessionOptions(options);
    const here = enclosingSession();
    const { parent = here ?? null, id } = options;
    const plan = planOf(options, parent);
    if (parent === null || id !== undefined) return own(this.#start(plan));
    if (parent.id === here?.id) {
      return this.#isJoinable(here, options)
        ? { session: here as EngineSession<Config>, isJoined: true }
        : own(this.#start(plan));
    }
    return parent.project === this.#settings.key ? this.#join(parent, options) : own(this.#start(plan));
  }

  /** What another engine of this process has under way is known here as a root alone. */
  #isJoinable(here: EngineSession<unknown>, { unit }: SessionOptions): boolean {
    return here.isOf(this.#context, this.#settings.key) && (unit === undefined || unit === here.unit);
  }

  /** A session that runs elsewhere, known by its id. */
  async #join(parent: SessionParent, options: SessionOptions): Promise<BegunSession<Config>> {
    const root = parent.root === parent.id ? null : parent.root;
    const plan = { ...planOf(options, null), id: parent.id, root };
    const serving = this.#serving();
    if (!serving) return { session: this.#unrecorded(plan), isJoined: true };
    const session = await this.#router.join<Config>(serving.store, serving.state, plan);
    return session ? { session, isJoined: true } : own(await this.#start(planOf(options, parent)));
  }

  #start(plan: SessionPlan): EngineSession<Config> | Promise<EngineSession<Config>> {
    const serving = this.#serving();
    if (!serving) return this.#unrecorded(plan);
    const { store, state } = serving;
    if (plan.id !== undefined || plan.unit !== undefined) return this.#router.start(store, state, plan);
    if (store.queueLength() < BACKLOG_MAX) return this.#router.startNow(store, state, plan);
    // A host that never yields would keep the writer's answers from arriving, and its sessions would be dropped.
    return new Promise((resolve) => setImmediate(() => resolve(this.#router.startNow(store, state, plan))));
  }

  /** What sessions are started by; null, which is counted, where nothing can be recorded. */
  #serving(): { readonly store: Store; readonly state: ProjectState } | null {
    const { store } = this.#context;
    if (store && this.#state && !this.#isRefusing) return { store, state: this.#fuse.served(this.#state) };
    if (!this.#context.isOff) {
      this.#context.fail(
        "sessionsDropped",
        "the database is away; the champion runs unrecorded",
        this.#whyAway(),
      );
    }
    return null;
  }

  #whyAway(): unknown {
    try {
      this.#context.requireStore();
      return "the project has not been loaded yet";
    } catch (error) {
      return error;
    }
  }

  #unrecorded(plan: SessionPlan): EngineSession<Config> {
    return this.#router.unrecorded(this.#settings.key, this.championBody(), plan);
  }

  #observe(session: FusedSession, isFailed: boolean): void {
    const aborting = this.#fuse.observe(this.#state, session, isFailed);
    if (aborting) this.#keep(aborting.then(() => this.#settings.refresh()));
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
}

function planOf(options: SessionOptions, parent: SessionParent | null): SessionPlan {
  const { id, unit, context, requestId } = options;
  const root = parent && (parent.root ?? parent.id);
  // A session resumed within itself is no part of itself.
  return { id, unit, context, requestId, root: root === id ? null : root };
}

function own<Config>(
  session: EngineSession<Config> | Promise<EngineSession<Config>>,
): BegunSession<Config> | Promise<BegunSession<Config>> {
  return session instanceof Promise
    ? session.then((started) => ({ session: started, isJoined: false }))
    : { session, isJoined: false };
}
