/**
 * Ticks over every running experiment, or one project's: settles what is due, starts the drafts whose time has come, and
 * folds and decides where anything is new. An experiment with nothing new costs a part of one query, however many there
 * are and however long their history is.
 */
import type { EngineContext } from "../context.js";
import type { Pulse, Store } from "../ports.js";
import { startDueDrafts } from "./drafts.js";
import { requireProject } from "./lookup.js";
import { settleDue, type TickResult, tickExperiment } from "./tick.js";

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

/** The lease that unattended ticks share: two at once would do no harm, only the same work twice. */
const LEASE = "tick";
/** After so long another process takes over from one that has stopped in the middle. */
const LEASE_MS = 60_000;

interface Seen {
  readonly pulse: string;
  readonly result: TickResult;
}

/** The ticks of one engine. */
export class Ticker {
  readonly #context: EngineContext;
  readonly #refresh: (project: string) => Promise<void>;
  #holder: string | null = null;
  /** what the last tick saw of experiments in which nothing happened then, by their ids */
  #seen = new Map<string, Seen>();

  /** @param refresh looks at a project of this process again, whose stored state may have changed */
  constructor(context: EngineContext, refresh: (project: string) => Promise<void>) {
    this.#context = context;
    this.#refresh = refresh;
  }

  /** One tick. @throws DethroneError `project_not_found`; what a tick of one project runs into */
  async tick(store: Store, options: TickOptions): Promise<TickResult[]> {
    const { project = null, dryRun = false } = options;
    if (project !== null) await requireProject(store, project);
    // What is queued in this process counts; outcomes that its host is still working on do not keep the tick waiting.
    await store.flush();
    if (!dryRun) {
      await settleDue(this.#context, store, project);
      await startDueDrafts(this.#context, store, project);
    }
    const pulses = await store.pulses(project);
    const results: TickResult[] = [];
    for (const pulse of pulses) {
      const result = await this.#resultOf(store, pulse, options);
      if (result) results.push(result);
    }
    if (project === null) this.#forget(pulses);
    return results;
  }

  /** One tick, unless another process is at one; null then. */
  async tickAlone(store: Store, options: TickOptions): Promise<TickResult[] | null> {
    this.#holder ??= this.#context.ids.next();
    const lease = { name: LEASE, holder: this.#holder };
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

  async #resultOf(store: Store, pulse: Pulse, options: TickOptions): Promise<TickResult | null> {
    const beat = beatOf(pulse, this.#context.clock.now());
    const seen = this.#seen.get(pulse.experimentUid);
    if (beat !== null && seen?.pulse === beat) return seen.result;
    const result = await this.#tickProject(store, pulse, options);
    const isIdle = result !== null && !result.changed && result.verdict === "continue";
    if (beat !== null && isIdle && !options.dryRun)
      this.#seen.set(pulse.experimentUid, { pulse: await this.#beatNow(store, pulse, beat), result });
    return result;
  }

  /** What the tick itself has moved (the checkpoint, the share) is no news to the next one. */
  async #beatNow(store: Store, { projectKey }: Pulse, beat: string): Promise<string> {
    const [now] = await store.pulses(projectKey);
    return (now && beatOf(now, this.#context.clock.now())) ?? beat;
  }

  async #tickProject(store: Store, { projectKey }: Pulse, options: TickOptions): Promise<TickResult | null> {
    const { dryRun = false, actor = "tick" } = options;
    try {
      const experiment = (await store.projectState(projectKey))?.experiment;
      if (experiment?.status !== "running") return null;
      const result = await tickExperiment(this.#context, store, experiment, { isDryRun: dryRun, actor });
      // Status or share may have moved: this process must not serve what it has just changed.
      if (!dryRun) await this.#refresh(projectKey);
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
  }
}

/**
 * What a tick of the experiment depends on, as a text that is the same while nothing has changed. Null where time itself
 * may decide. Signals of settled sessions change nothing; of open ones they may blow the fuse.
 */
function beatOf(pulse: Pulse, nowMs: number): string | null {
  const { version, newestSeq, firstOpenSeq, newestSignalId, startedAtMs, maxDurationMs } = pulse;
  const isLate = maxDurationMs !== null && nowMs > (startedAtMs ?? nowMs) + maxDurationMs;
  if (isLate) return null;
  return [version, newestSeq, firstOpenSeq ?? "-", firstOpenSeq === null ? "-" : newestSignalId].join(" ");
}
