/**
 * A client: the library's projects for a process that has no database, over the HTTP API of `dethrone serve`.
 *
 * Sessions are those of the engine itself. What differs is where they are recorded, in a {@link RemoteStore}, and that
 * what people do with a project is asked of the server.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import { ConfigPreparation } from "../engine/configs/prepared.js";
import { type ContextSettings, EngineContext, type Health, within } from "../engine/context.js";
import type { ProjectOptions, SchemaProjectOptions } from "../engine/engine.js";
import type { SignalReceipt } from "../engine/ports.js";
import type { Project } from "../engine/project.js";
import { codeChampionOf } from "../engine/project-input.js";
import { checkSignalOf, type Receipt, recordSignal, type SignalInput } from "../engine/sessions/session.js";
import { Outbox } from "./outbox.js";
import { ClientProject, type ClientProjectSettings, type KnownSnapshot } from "./project.js";
import { RemoteStore } from "./remote-store.js";
import { Transport, type TransportSettings } from "./transport.js";

/** What a client runs on; see `createClient` for the settings of a host. */
export interface ClientSettings
  extends Omit<
      ContextSettings<RemoteStore>,
      "openStore" | "version" | "champions" | "onDecision" | "storage"
    >,
    Pick<TransportSettings, "server" | "key" | "fetch" | "random" | "timeoutMs"> {
  /** how often, in milliseconds, the projects are looked at again */
  readonly refreshMs: number;
  readonly bootstrap: readonly KnownSnapshot[];
}

/** How long a project waits for its state before going on without. */
const START_PATIENCE_MS = 1000;
/** How long flushing waits for scores and listeners that the host is still working on. */
const FLUSH_PATIENCE_MS = 10_000;
/** The part by which looks at the server are spread, so that many clients do not look all at once. */
const JITTER = 0.2;

type AnyProject = ClientProject<unknown, unknown>;

/** One process's connection to a server. */
export class Client implements AsyncDisposable {
  readonly #context: EngineContext<RemoteStore>;
  readonly #settings: ClientSettings;
  readonly #transport: Transport;
  readonly #opened: Promise<void>;
  /** also those on their way in, so that two callers at once get the same one */
  readonly #projects = new Map<string, Promise<AnyProject>>();
  readonly #ready = new Map<string, AnyProject>();
  #cancelRefresh: (() => void) | null = null;
  #closing: Promise<void> | null = null;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#transport = new Transport(settings);
    this.#context = new EngineContext<RemoteStore>({
      ...settings,
      version: "",
      storage: { name: "server", refuge: "in memory" },
      openStore: async ({ onTrouble }) => {
        const inBackground = (task: Promise<unknown>): void => this.#context.inBackground(task);
        return new RemoteStore(
          new Outbox({ ...settings, transport: this.#transport, onTrouble, inBackground }),
        );
      },
    });
    this.#opened = settings.isOff ? Promise.resolve() : this.#context.open();
  }

  #scheduleRefresh(): void {
    const spread = 1 + JITTER * (2 * this.#settings.random() - 1);
    this.#cancelRefresh = this.#context.clock.after(this.#settings.refreshMs * spread, () => {
      const looks = [...this.#ready.values()].map((project) => project.refresh());
      void Promise.all(looks).finally(() => {
        if (!this.#context.isClosed) this.#scheduleRefresh();
      });
    });
  }

  /**
   * A project by its key, created if new and the key may.
   *
   * Rejects for invalid input alone: where the server is away the project serves the champion given.
   *
   * @throws DethroneError `settings_invalid`, `config_invalid`, `config_secret`; what keeps the server from answering, where
   *   no champion is given
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
    refuseProposer(options);
    const codeChampion = codeChampionOf(key, options, this.#context.guard);
    const preparation = new ConfigPreparation(options);
    const known =
      this.#projects.get(key) ??
      this.#newProject({ key, codeChampion, preparation, allowSecrets, transport: this.#transport });
    this.#projects.set(key, known);
    return (await known) as ClientProject<Config, Built>;
  }

  async #newProject(settings: ClientProjectSettings): Promise<AnyProject> {
    const { key, codeChampion } = settings;
    try {
      await this.#opened;
      const project: AnyProject = new ClientProject(this.#context, settings);
      await project.prepareOwn();
      if (!this.#context.isOff) await this.#load(project, codeChampion !== null);
      else if (codeChampion === null) this.#context.requireStore();
      this.#ready.set(key, project);
      if (!this.#cancelRefresh && !this.#context.isOff) this.#scheduleRefresh();
      return project;
    } catch (error) {
      this.#projects.delete(key);
      throw error;
    }
  }

  async #load(project: AnyProject, hasChampion: boolean): Promise<void> {
    const { bootstrap, refreshMs } = this.#settings;
    const brought = bootstrap.find((snapshot) => snapshot.project === project.key);
    if (brought && (await project.serveBrought(brought))) {
      // One that is old serves all the same, and is looked at anew behind the agent's back.
      const isFresh = this.#context.clock.now() - brought.readAtMs < refreshMs;
      if (!isFresh) this.#context.inBackground(project.refresh());
      return;
    }
    const loaded = project.load();
    if (!hasChampion) return loaded;
    const away = (error: unknown): void => {
      // What is wrong with the champion itself is the host's to know.
      if (isDethroneError(error) && error.kind === "invalid_input") throw error;
      this.#context.fail(null, "a project could not be loaded; the champion of the code serves", error);
    };
    // Whether it is late or fails, the project serves the code's champion and is looked at again with the others.
    await within(this.#context.clock, START_PATIENCE_MS, loaded.catch(away), undefined);
  }

  /**
   * Records a signal of any session; resolves when the server has it on disk.
   *
   * @throws DethroneError `signal_invalid`, `session_not_found`, `idempotency_mismatch`
   */
  async signal(sessionId: string, signal: SignalInput): Promise<Receipt<SignalReceipt>> {
    checkSignalOf(sessionId, signal);
    if (this.#context.isOff) return { status: "off" };
    await this.#opened;
    return recordSignal(this.#context, this.#context.requireStore(), sessionId, signal);
  }

  /** What this client assigns sessions by, project by project: the `bootstrap` of another one. JSON. */
  snapshots(): readonly KnownSnapshot[] {
    return [...this.#ready.values()].flatMap(({ known }) => known ?? []);
  }

  /** How the client is doing. `spool` counts what waits in memory while the server is away. */
  health(): Health {
    return this.#context.health();
  }

  /**
   * Resolves when everything recorded so far is on the server's disk and the host's listeners have been told. Asynchronous
   * scores still being taken, and listeners still at work, are waited for, but no longer than 10 seconds.
   *
   * @throws DethroneError `server_unavailable` where the server has not taken it within 10 seconds; it goes on being sent
   */
  async flush(): Promise<void> {
    await this.#settleTasks();
    await this.#context.store?.flush();
  }

  async #settleTasks(): Promise<void> {
    const { exposures, clock } = this.#context;
    const tasks = [...this.#ready.values()].map((project) => project.settleTasks());
    await within(clock, FLUSH_PATIENCE_MS, Promise.all([...tasks, exposures.flush()]), undefined);
  }

  /**
   * Takes nothing new, sends what is queued, and closes, in bounded time; safe to call twice. What the server does not take
   * within 10 seconds is lost, and counted.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#cancelRefresh?.();
    await this.#opened;
    for (const project of this.#ready.values()) project.refuse();
    await this.#settleTasks();
    const looks = Promise.all([...this.#ready.values()].map((project) => project.looked()));
    await within(this.#context.clock, FLUSH_PATIENCE_MS, looks, undefined);
    await this.#context.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Ticks run in the server, which cannot call a function of this process. @throws DethroneError `settings_invalid` */
function refuseProposer({ proposer }: { readonly proposer?: unknown }): void {
  if (proposer === undefined) return;
  throw new DethroneError(
    "settings_invalid",
    "A proposer is asked by the ticks of an engine (createEngine); a client can queue challengers instead.",
    { field: "proposer" },
  );
}
