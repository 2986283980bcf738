/**
 * Records past sessions as if they had been told as they happened: a start, its signals, its end, through the one writer,
 * a batch at a time. Each has an id made of its own, and each signal a key, so that recording them again changes nothing.
 *
 * The window of such a session ends with the import: what the file says of it counts, and what is said later is late.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { DethroneError, isDethroneError, type JsonObject } from "../../core/errors.js";
import { assertPrivate } from "../configs/privacy.js";
import { configWithoutSecrets } from "../configs/secrets.js";
import type { EngineContext } from "../context.js";
import type { NewConfig, ProjectState, SessionStart, Store, StoredSessionHead } from "../ports.js";
import { checkedSignal } from "../sessions/session.js";
import { checkSessionOptions } from "../sessions/session-options.js";
import { type Gathered, keyed } from "./gather.js";
import type { Refusal } from "./past-session.js";

/** How sessions are recorded. */
export interface RecorderSettings {
  readonly context: EngineContext;
  readonly store: Store;
  readonly project: ProjectState;
  /** what wrote them, as a part of their ids */
  readonly format: string;
  readonly actor: string;
  /** dotted paths of fields of a config that look like secrets and are none */
  readonly allowSecrets: readonly string[] | undefined;
  readonly isDryRun: boolean;
  /** leave out what has been recorded and settled before, without looking at its signals */
  readonly isResume: boolean;
}

/** What became of sessions. Counters only rise. */
export interface RecorderCounts {
  /** recorded for the first time */
  sessions: number;
  /** recorded before */
  known: number;
  /** signals recorded for the first time */
  signals: number;
  /** of these, of sessions that had settled before: kept and shown, never counted */
  late: number;
  /** recorded under the champion's config, because their records name none */
  underChampion: number;
  /** recorded as of now, because their records tell no time */
  untimed: number;
}

const ID_CHARS_MAX = 200;
/** Fewer than the sessions of a batch: a config each session has for itself is refused before anything is written. */
const CONFIGS_MAX = 500;

type Batch = readonly Gathered[];

/** A session that is ready to be recorded. */
interface Ready {
  readonly gathered: Gathered;
  readonly id: string;
  readonly config: NewConfig | null;
}

/** Records the sessions of one import. */
export class PastRecorder {
  readonly counts: RecorderCounts = {
    sessions: 0,
    known: 0,
    signals: 0,
    late: 0,
    underChampion: 0,
    untimed: 0,
  };
  readonly #settings: RecorderSettings;
  readonly #nowMs: number;
  readonly #refuse: (refusal: Refusal) => void;
  /** internal ids of the configs used, by their hashes; -1 for one that a dry run does not store */
  readonly #configs = new Map<string, number>();

  constructor(settings: RecorderSettings, refuse: (refusal: Refusal) => void) {
    this.#settings = settings;
    this.#refuse = refuse;
    this.#nowMs = settings.context.clock.now();
    this.#configs.set(settings.project.champion.hash, settings.project.champion.id);
  }

  /** Records some sessions; resolves when they are on disk. What is refused is told, and the others are recorded. */
  async record(batch: Batch): Promise<void> {
    const ready = batch.flatMap((gathered) => this.#tried(gathered, () => [this.#ready(gathered)]) ?? []);
    this.#assertFewConfigs(ready);
    const stored = await this.#settings.store.browse.storedSessions(ready.map(({ id }) => id));
    const placed: (() => Promise<void>[])[] = [];
    for (const each of ready) {
      const known = stored.get(each.id);
      if (this.#settings.isResume && known?.isSettled) {
        this.counts.known += 1;
        continue;
      }
      const configId = await this.#configId(each, known);
      if (configId !== null) placed.push(() => this.#write(each, known, configId));
    }
    // Queued in one go: a session is stored with its outcome, or not at all.
    await Promise.all(placed.flatMap((write) => write()));
  }

  /** @throws DethroneError why the session is refused */
  #ready(gathered: Gathered): Ready {
    const { id: own, unit, context, config, signals } = gathered.session;
    const { guard } = this.#settings.context;
    const id = this.#idOf(own);
    checkSessionOptions({ id, unit: unit ?? undefined, context: context ?? undefined }, guard);
    for (const { key, name, value, kind, source } of keyed(signals)) {
      checkedSignal({ key, name, value, ...(kind && { kind }), ...(source !== null && { source }) });
      assertPrivate(guard, "signal", source === null ? { name } : { name, source });
    }
    return { gathered, id, config: config && this.#checkedConfig(config) };
  }

  #idOf(own: string): string {
    const { format, project } = this.#settings;
    const id = `${format}/${project.key}/${own}`;
    return id.length <= ID_CHARS_MAX ? id : `${format}/${bytesToHex(sha256(utf8ToBytes(id)))}`;
  }

  #checkedConfig(body: JsonObject): NewConfig {
    const { context, allowSecrets } = this.#settings;
    const config = configWithoutSecrets(body, allowSecrets);
    assertPrivate(context.guard, "config", config.body);
    return config;
  }

  /** @throws DethroneError `input_invalid` where there are more configs than anybody tries */
  #assertFewConfigs(ready: readonly Ready[]): void {
    const hashes = new Set(this.#configs.keys());
    for (const { config } of ready) if (config) hashes.add(config.hash);
    if (hashes.size <= CONFIGS_MAX) return;
    throw new DethroneError(
      "input_invalid",
      `The file has more than ${CONFIGS_MAX} configs. Does the mapping take something of each session into the config, such as a prompt with a user's question in it?`,
      { allowed: CONFIGS_MAX },
    );
  }

  /** Null where the session is refused. */
  async #configId({ gathered, config }: Ready, known: StoredSessionHead | undefined): Promise<number | null> {
    const { project } = this.#settings;
    const configId = config && (await this.#stored(config));
    if (known === undefined) return configId ?? project.champion.id;
    const isSame = configId === null || configId < 0 || configId === known.configId;
    if (isSame && known.projectId === project.id) return known.configId;
    this.#refuse({ place: gathered.place, reason: "it has been recorded before, with another config" });
    return null;
  }

  async #stored(config: NewConfig): Promise<number> {
    const known = this.#configs.get(config.hash);
    if (known !== undefined) return known;
    const { store, project, isDryRun } = this.#settings;
    const there = (await store.projectConfigs(project.id)).find(({ hash }) => hash === config.hash);
    const id = there?.id ?? (isDryRun ? -1 : await this.#added(config));
    this.#configs.set(config.hash, id);
    return id;
  }

  async #added(config: NewConfig): Promise<number> {
    const { store, project, actor, format } = this.#settings;
    const reason = `imported from ${format}`;
    const audit = { action: "imported", actor, reason, details: {}, atMs: this.#nowMs };
    await store.addProjectConfig({ projectId: project.id, config, audit });
    const added = (await store.projectConfigs(project.id)).find(({ hash }) => hash === config.hash);
    if (added) return added.id;
    throw new DethroneError("invariant_violated", "A config that was just stored is not there.");
  }

  #write(each: Ready, known: StoredSessionHead | undefined, configId: number): Promise<void>[] {
    const { session } = each.gathered;
    if (known) this.counts.known += 1;
    else {
      this.counts.sessions += 1;
      if (each.config === null) this.counts.underChampion += 1;
      if (session.startedAtMs === null) this.counts.untimed += 1;
    }
    if (this.#settings.isDryRun) {
      if (!known) this.counts.signals += session.signals.length;
      return [];
    }
    const { store } = this.#settings;
    const start = this.#startOf(each, configId);
    const inTime = (atMs: number): number => Math.min(atMs, known?.windowEndsAtMs ?? start.windowEndsAtMs);
    const done: Promise<unknown>[] = [];
    if (!known) done.push(store.startSession(start));
    for (const { atMs, ...signal } of keyed(session.signals)) {
      const told = { ...signal, sessionId: each.id, atMs: inTime(atMs ?? start.startedAtMs) };
      done.push(store.addSignal(told).then(({ status }) => this.#count(status)));
    }
    const endedAtMs = Math.max(session.endedAtMs ?? 0, start.startedAtMs);
    done.push(store.endSession({ sessionId: each.id, score: session.score, atMs: inTime(endedAtMs) }));
    return done.map((one) => one.then(() => undefined).catch((error: unknown) => this.#failed(each, error)));
  }

  #count(status: string): void {
    if (status === "recorded" || status === "late") this.counts.signals += 1;
    if (status === "late") this.counts.late += 1;
  }

  #startOf({ id, gathered }: Ready, configId: number): SessionStart {
    const { unit, context, startedAtMs } = gathered.session;
    // It ends just before now, so that the session can be settled at once.
    const windowEndsAtMs = this.#nowMs - 1;
    return {
      ...{ id, unit, configId, projectId: this.#settings.project.id, experimentId: null, armId: null },
      ...{ shares: null, excluded: "elsewhere", isExclusive: false, root: null, mayExist: true },
      context: context && JSON.stringify(context),
      startedAtMs: Math.min(startedAtMs ?? windowEndsAtMs, windowEndsAtMs),
      windowEndsAtMs,
    };
  }

  #failed({ gathered }: Ready, error: unknown): void {
    if (!isDethroneError(error) || error.kind === "unavailable" || error.kind === "throttled") throw error;
    this.#refuse({ place: gathered.place, reason: error.message });
  }

  #tried<T>({ place }: Gathered, make: () => T): T | null {
    try {
      return make();
    } catch (error) {
      if (!isDethroneError(error)) throw error;
      this.#refuse({ place, reason: error.message });
      return null;
    }
  }
}
