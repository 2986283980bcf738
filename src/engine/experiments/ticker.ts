/**
 * Ticks over every running experiment, or one project's: settles what is due, starts the drafts whose time or turn has come, and
 * folds and decides where anything is new. An experiment with nothing new costs a part of one query, however many there
 * are and however long their history is.
 */
import type { EngineContext } from "../context.js";
import type { Pulse, Store } from "../ports.js";
import { CalmExperiments } from "./calm.js";
import { startDueDrafts } from "./drafts.js";
import { requireProject } from "./lookup.js";
import { startQueued } from "./queue.js";
import { settleDue, type TickResult, type TickState, tickExperiment, tickStates } from "./tick.js";

/** How a tick runs. */
export interface TickOptions {
  /** only this project */
  readonly project?: string | undefined;
  /** find out, but store nothing */
  readonly dryRun?: boolean | undefined;
  readonly actor?: string | undefined;
  /** told of a project whose tick failed; the others go on. Default: it is logged, and a tick of one project rejects. */
  readonly onFailure?: ((project: string, error: unknown) => void) | undefined;
}

/** The lease that unattended ticks of the same projects share: two at once do no harm, only the same work twice. */
const leaseOf = ({ project }: TickOptions): string => (project === undefined ? "tick" : `tick ${project}`);

/** After so long another process takes over from one that has stopped in the middle. */
const LEASE_MS = 60_000;

/** Experiments read at once; what they store is one commit. */
const ABREAST = 64;

/** Such groups under way at once: the next is read, and folded, while the changes of those before it are written. */
const GROUPS = 3;

/** What ticks ask of the process they run in. */
interface TickerHost {
  /** looks at a project again, whose stored state may have changed */
  readonly refresh: (project: string) => Promise<void>;
  /** asks the proposers of one project, or of all, in the background */
  readonly propose: (store: Store, project: string | null) => void;
}

/** One tick of several experiments. */
interface RunOptions extends TickOptions {
  /** uids of those that the fuse need not be asked about */
  readonly calm: ReadonlySet<string>;
}

interface Seen {
  readonly pulse: string;
  readonly result: TickResult;
}

/** The ticks of one engine. */
export class Ticker {
  readonly #context: EngineContext;
  readonly #host: TickerHost;
  #holder: string | null = null;
  /** what the last tick saw of experiments in which nothing happened then, by their ids */
  #seen = new Map<string, Seen>();
  readonly #calm = new CalmExperiments();

  constructor(context: EngineContext, host: TickerHost) {
    this.#context = context;
    this.#host = host;
  }

  #refresh(project: string): Promise<void> {
    return this.#host.refresh(project);
  }

  /** One tick. @throws DethroneError `project_not_found`; what a tick of one project runs into */
  async tick(store: Store, options: TickOptions): Promise<TickResult[]> {
    const { project = null, dryRun = false } = options;
    if (project !== null) await requireProject(store, project);
    // Ends that were kept while the database was away come before their sessions are given up as abandoned.
    if (!dryRun) await this.#context.recover();
    // What is queued in this process counts; outcomes that its host is still working on do not keep the tick waiting.
    await store.flush();
    if (!dryRun) {
      await settleDue(this.#context, store, project);
      const due = await startDueDrafts(this.#context, store, project);
      const queued = await startQueued(this.#context, store, project);
      // This process must serve what it has just started.
      for (const key of [...due, ...queued]) await this.#refresh(key);
      this.#host.propose(store, project);
    }
    const pulses = await store.pulses(project);
    const calm = await this.#calm.among(store, pulses);
    const groups: Promise<(TickResult | null)[]>[] = [];
    for (let from = 0; from < pulses.length; from += ABREAST) {
      await groups.at(-GROUPS);
      groups.push(this.#resultsOf(store, pulses.slice(from, from + ABREAST), { ...options, calm }));
    }
    const results = await Promise.all(groups);
    if (project === null) this.#forget(pulses);
    return results.flat().filter((result) => result !== null);
  }

  /** One tick, unless another process is at one; null then. */
  async tickAlone(store: Store, options: TickOptions): Promise<TickResult[] | null> {
    this.#holder ??= this.#context.ids.next();
    const lease = { name: leaseOf(options), holder: this.#holder };
    if (!(await store.takeLease({ ...lease, nowMs: this.#context.clock.now(), ttlMs: LEASE_MS })))
      return null;
    try {
      return await this.tick(store, options);
    } finally {
      await store
        .releaseLease(lease)
        .catch((error: unknown) => this.#context.fail(null, "a lease could not be released", error));
    }
  }

  async #resultsOf(
    store: Store,
    pulses: readonly Pulse[],
    options: RunOptions,
  ): Promise<(TickResult | null)[]> {
    const nowMs = this.#context.clock.now();
    const beats = pulses.map((pulse) => beatOf(pulse, nowMs));
    const isNews = ({ experimentUid }: Pulse, i: number): boolean =>
      beats[i] === null || this.#seen.get(experimentUid)?.pulse !== beats[i];
    const news = pulses.filter(isNews);
    const states = news.length === 0 ? new Map() : await this.#statesOf(store, news);
    const ticks = pulses.map((pulse, i) =>
      isNews(pulse, i)
        ? this.#tickOne(store, pulse, states.get(pulse.experimentUid), options)
        : (this.#seen.get(pulse.experimentUid)?.result ?? null),
    );
    return Promise.all(ticks);
  }

  /** All at once; one that cannot be read must not keep the others from their tick. */
  async #statesOf(
    store: Store,
    pulses: readonly Pulse[],
  ): Promise<ReadonlyMap<string, () => Promise<TickState | undefined>>> {
    const uids = pulses.map(({ experimentUid }) => experimentUid);
    const found = await tickStates(store, uids).catch(() => null);
    const known = new Map(found?.map((state) => [state.experiment.uid, state]));
    const read = async (uid: string): Promise<TickState | undefined> =>
      found ? known.get(uid) : (await tickStates(store, [uid]))[0];
    return new Map(uids.map((uid) => [uid, () => read(uid)]));
  }

  async #tickOne(
    store: Store,
    pulse: Pulse,
    read: () => Promise<TickState | undefined>,
    options: RunOptions,
  ): Promise<TickResult | null> {
    const { projectKey, experimentUid, version } = pulse;
    const { dryRun: isDryRun = false, actor = "tick" } = options;
    try {
      const state = await read();
      if (state?.experiment.status !== "running") return null;
      const isCalm = options.calm.has(experimentUid);
      const ticked = await tickExperiment(this.#context, store, state, { isDryRun, actor, isCalm });
      this.#calm.note(pulse, ticked.isCalm);
      const { result, isStored, isFuseNear } = ticked;
      // This process must not serve what it has just changed, nor go on without what it has just seen.
      if (!isDryRun) await this.#refresh(projectKey);
      // As it was before, but for what the tick has stored: what came meanwhile is news to the next one.
      const beat = beatOf({ ...pulse, version: version + Number(isStored) }, this.#context.clock.now());
      if (beat !== null && !result.changed && !isDryRun && !isFuseNear)
        this.#seen.set(experimentUid, { pulse: beat, result });
      return result;
    } catch (error) {
      if (options.project !== undefined && !options.onFailure) throw error;
      this.#context.fail(null, "a project's tick failed; the others go on", error, { project: projectKey });
      options.onFailure?.(projectKey, error);
      return null;
    }
  }

  #forget(pulses: readonly Pulse[]): void {
    const running = new Set(pulses.map(({ experimentUid }) => experimentUid));
    this.#seen = new Map([...this.#seen].filter(([uid]) => running.has(uid)));
    this.#calm.keep(running);
  }
}

/**
 * What a tick of the experiment depends on, as a text that is the same while nothing has changed. Null where time itself
 * may decide. Signals of settled sessions change nothing; of open ones they may blow the fuse. So may their ends, where it
 * is near; a pulse does not tell of these.
 */
function beatOf(pulse: Pulse, nowMs: number): string | null {
  const { version, newestSeq, firstOpenSeq, newestSignalId, startedAtMs, maxDurationMs } = pulse;
  const isLate = maxDurationMs !== null && nowMs > (startedAtMs ?? nowMs) + maxDurationMs;
  if (isLate) return null;
  return [version, newestSeq, firstOpenSeq ?? "-", firstOpenSeq === null ? "-" : newestSignalId].join(" ");
}
