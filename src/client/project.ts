/**
 * A project whose sessions are assigned here and recorded by the server.
 */
import { DethroneError } from "../core/errors.js";
import { identifyConfig } from "../engine/configs/config.js";
import type { ConfigPreparation } from "../engine/configs/prepared.js";
import { assertPrivate } from "../engine/configs/privacy.js";
import { configWithoutSecrets } from "../engine/configs/secrets.js";
import type { EngineContext } from "../engine/context.js";
import type { ChallengeOptions } from "../engine/experiments/challenge-plan.js";
import type { DraftOptions, EditInput } from "../engine/experiments/drafts.js";
import type { ExperimentSummary } from "../engine/experiments/experiment-summary.js";
import type { NewConfig } from "../engine/ports.js";
import type { ChallengeResult, Challengers, Project } from "../engine/project.js";
import { isRefusal, madeOf } from "../engine/project-input.js";
import { ProjectSessions } from "../engine/sessions/project-sessions.js";
import type { Session } from "../engine/sessions/session.js";
import type { SessionOptions } from "../engine/sessions/session-options.js";
import type { ProjectSnapshot } from "../engine/sessions/snapshot.js";
import type { ArgsOf, Runner, WrapOptions, Wrapped } from "../engine/sessions/wrap.js";
import { RemoteExperiments, sendable } from "./remote-experiments.js";
import type { RemoteStore } from "./remote-store.js";
import type { Transport } from "./transport.js";

/** What a client has last read of a project: the bootstrap of another one. JSON. */
export interface KnownSnapshot extends ProjectSnapshot {
  /** by which the server can tell whether it still holds; null for no such thing */
  readonly etag: string | null;
  /** when that was last known, in milliseconds since the epoch */
  readonly readAtMs: number;
}

/** What a project of a client is made of. */
export interface ClientProjectSettings {
  readonly key: string;
  readonly transport: Transport;
  /** the champion of the host's code: used to create the project, and while the server has never been reached */
  readonly codeChampion: NewConfig | null;
  readonly preparation: ConfigPreparation;
  readonly allowSecrets: readonly string[] | undefined;
}

/** How long a challenge that the server has not taken waits to be tried again. */
const CHALLENGE_RETRY_MS = 5000;

const OFF: ChallengeResult = { experiment: null, started: false, status: "off", forecast: null };
const PENDING: ChallengeResult = { ...OFF, status: "pending" };

/** The project a client hands out. */
export class ClientProject<Config, Built>
  extends RemoteExperiments<Config>
  implements Project<Config, Built>
{
  readonly key: string;
  readonly #context: EngineContext<RemoteStore>;
  readonly #settings: ClientProjectSettings;
  readonly #sessions: ProjectSessions<Config, Built>;
  #known: KnownSnapshot | null = null;
  /** one look at a time: an older answer must not overtake a newer one */
  #looking: Promise<void> = Promise.resolve();

  constructor(context: EngineContext<RemoteStore>, settings: ClientProjectSettings) {
    super(settings.transport);
    this.key = settings.key;
    this.#context = context;
    this.#settings = settings;
    this.#sessions = new ProjectSessions({
      ...settings,
      context,
      forced: undefined,
      refresh: () => this.refresh(),
      // The server's own tick ends the experiment, by what every process has told it.
      abortByFuse: async () => context.store?.flush(),
    });
  }

  /** What sessions are assigned by; null before the server has been reached. */
  get known(): KnownSnapshot | null {
    return this.#known;
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

  /** Serves by a snapshot that the host has brought along, which nobody vouches for; whether it can. */
  async serveBrought(snapshot: KnownSnapshot): Promise<boolean> {
    try {
      for (const { hash, body } of [snapshot.champion, ...(snapshot.experiment?.arms ?? []).map(configOf)]) {
        if (identifyConfig(body).hash !== hash)
          throw new DethroneError(
            "config_invalid",
            `A config of the snapshot is not what its hash says: ${hash}.`,
          );
      }
      await this.#serve(snapshot);
      return true;
    } catch (error) {
      this.#context.fail(null, "the snapshot of bootstrap cannot be used; the server is asked", error);
      return false;
    }
  }

  /** Looks at the stored state, creating the project if it is new and the host gave a champion. */
  load(): Promise<void> {
    const looked = this.#looking.then(() => this.#look());
    this.#looking = looked.catch(() => undefined);
    return looked;
  }

  async #look(): Promise<void> {
    const { transport, codeChampion } = this.#settings;
    const request = { params: { project: this.key } };
    const readAtMs = this.#context.clock.now();
    const reply = await transport.send("getSnapshot", request, { ifNoneMatch: this.#known?.etag ?? null });
    if (reply.status !== "refused") this.#context.succeed();
    if (reply.status === "unchanged") {
      this.#known = this.#known && { ...this.#known, readAtMs };
      return;
    }
    if (reply.status === "ok") return this.#serve({ ...snapshotIn(reply.body), etag: reply.etag, readAtMs });
    if (reply.error.code !== "project_not_found" || !codeChampion || this.#known) throw reply.error;
    await this.#create(codeChampion);
    const body = await transport.call("getSnapshot", request);
    await this.#serve({ ...snapshotIn(body), etag: null, readAtMs });
  }

  async #create({ body: champion }: NewConfig): Promise<void> {
    const { transport, allowSecrets } = this.#settings;
    const body = { key: this.key, champion, ...(allowSecrets && { allowSecrets: [...allowSecrets] }) };
    const reply = await transport.send("createProject", { params: {}, body });
    // Another process may have just created it, which is as good.
    if (reply.status === "refused" && reply.error.code !== "project_exists") throw reply.error;
  }

  async #serve(snapshot: KnownSnapshot): Promise<void> {
    const store = this.#context.requireStore();
    const { codeChampion } = this.#settings;
    await this.#sessions.serve(store.stateOf(snapshot), store, this.#sessions.look());
    const isFirst = this.#known === null;
    this.#known = snapshot;
    if (isFirst && codeChampion && snapshot.champion.hash !== codeChampion.hash) {
      this.#context.logger.info(
        { project: this.key, code: codeChampion.hash, champion: snapshot.champion.hash },
        "champion_differs: the stored champion is used, not the one in the code",
      );
    }
  }

  /** Looks at the stored state again; on failure the last known one stays. */
  async refresh(): Promise<void> {
    if (this.#context.isOff || this.#context.isClosed) return;
    try {
      await this.load();
    } catch (error) {
      if (this.#context.isClosed) return;
      this.#context.fail(null, "a project could not be refreshed; the last known champion serves", error, {
        project: this.key,
      });
    }
  }

  protected override requireServer(): void {
    this.#context.requireStore();
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

  /** Resolves when no look at the server is under way. */
  looked(): Promise<void> {
    return this.#looking;
  }

  /** Serves the champion unrecorded from here on: the client closes. */
  refuse(): void {
    this.#sessions.refuse();
  }

  async challenge(
    challengers: Challengers<Config>,
    options: ChallengeOptions = {},
  ): Promise<ChallengeResult> {
    const { isOff, logger } = this.#context;
    const bodies = await this.#challengers(challengers, options);
    if (isOff) return OFF;
    try {
      // The project may not have been created yet, if the server was away when it was opened.
      if (!this.#known) await this.load();
      const result = await this.#challenged(bodies, options);
      if (result.status === "overlap") {
        logger.warn(
          { project: this.key, running: result.experiment?.id ?? null },
          "experiment_overlap: another experiment occupies the project's slot; the challenge did not start",
        );
      }
      if (result.status === "over-budget")
        logger.warn({ project: this.key }, "the project's budget is spent; the challenge did not start");
      return result;
    } catch (error) {
      if (isRefusal(error)) throw error;
      this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
      this.#challengeLater(challengers, options);
      return PENDING;
    }
  }

  #challenged(
    challengers: readonly NewConfig["body"][],
    options: ChallengeOptions,
  ): Promise<ChallengeResult> {
    return this.change("challenge", { body: { ...this.#withSecrets(options), challengers } });
  }

  /** Boot code must not fail because the server is away: the challenge starts once it is back. */
  #challengeLater(challengers: Challengers<Config>, options: ChallengeOptions): void {
    this.#context.clock.after(CHALLENGE_RETRY_MS, () => {
      if (this.#context.isClosed) return;
      // The project itself may have to be created first, and may have another champion by now.
      this.load()
        .then(() => this.#challengers(challengers, options))
        .then((bodies) => this.#challenged(bodies, options))
        .catch((error: unknown) => {
          if (isRefusal(error)) {
            this.#context.fail(null, "a challenge that had to wait is refused", error);
            return;
          }
          this.#context.fail(null, "a challenge could not be started yet; it will be tried again", error);
          this.#challengeLater(challengers, options);
        });
    });
  }

  async draft(challengers: Challengers<Config>, options: DraftOptions = {}): Promise<ChallengeResult> {
    const bodies = await this.#challengers(challengers, options);
    if (this.#context.isOff) return OFF;
    return this.change("draftExperiment", {
      body: { ...sendable(this.#withSecrets(options)), challengers: bodies },
    });
  }

  override async edit(experiment: string, changes: EditInput): Promise<ExperimentSummary> {
    if (changes.add === undefined) return super.edit(experiment, changes);
    const input = this.#withSecrets(changes);
    return super.edit(experiment, { ...input, add: await this.#usable(input.add, input) });
  }

  #withSecrets<Options extends ChallengeOptions>(options: Options): Options {
    const { allowSecrets } = this.#settings;
    return allowSecrets === undefined ? options : { allowSecrets, ...options };
  }

  #challengers(challengers: Challengers<Config>, options: ChallengeOptions): Promise<NewConfig["body"][]> {
    const list: unknown =
      typeof challengers === "function"
        ? madeOf(challengers as (champion: Config) => unknown, this.champion)
        : challengers;
    return this.#usable(list, this.#withSecrets(options));
  }

  /**
   * Configs as they are sent. One that this host cannot use would never get a session.
   *
   * @throws DethroneError `config_invalid`, `config_secret`; `privacy_refused` where the host's guard refuses one
   */
  async #usable(list: unknown, { allowSecrets }: ChallengeOptions): Promise<NewConfig["body"][]> {
    const configs = (Array.isArray(list) ? list : [list]).map((config: unknown) =>
      configWithoutSecrets(config, allowSecrets),
    );
    for (const config of configs) {
      assertPrivate(this.#context.guard, "config", config.body);
      await this.#settings.preparation.prepare(config);
    }
    return configs.map(({ body }) => body);
  }
}

// The contract describes, for everyone else, what the library has types for.
const snapshotIn = (body: object): ProjectSnapshot => body as ProjectSnapshot;

const configOf = ({ config }: { readonly config: ProjectSnapshot["champion"] }) => config;
