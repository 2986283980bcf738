/**
 * What a tick does beside its verdicts, read off the audit log: drafts that start, challengers that are dropped.
 */
import type { DecideOptions } from "../engine/engine.js";
import { stalledQueues } from "../engine/experiments/queue.js";
import type { TickResult } from "../engine/experiments/tick.js";
import type { Store } from "../engine/ports.js";
import { logNames } from "./log-names.js";
import type { LateDraft, TickNews, TickView } from "./tick-views.js";

/** Entries of a project's log that are looked at after a tick. */
const ENTRIES_MAX = 50;

/** What the verdict says already. */
const VERDICTS: readonly string[] = ["held", "aborted"];

/** Sees what ticks do. */
export class TickWatcher {
  readonly #store: Store;
  readonly #options: DecideOptions;
  /** the newest entry of the log, by project */
  readonly #seen = new Map<string, number>();

  constructor(store: Store, options: DecideOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Looks at where the logs stand before the first tick. */
  async begin(): Promise<void> {
    await this.#news();
  }

  /** The results of a tick with what it did beside. */
  async view(results: readonly TickResult[]): Promise<TickView> {
    const { project = null, dryRun } = this.#options;
    // A dry run starts nothing, so nothing stands still.
    const stalled = dryRun ? [] : await stalledQueues(this.#store, Date.now(), project);
    return { results, news: await this.#news(), late: await this.#late(), stalled };
  }

  async #keys(): Promise<readonly string[]> {
    const { project } = this.#options;
    return project === undefined ? this.#store.projectKeys() : [project];
  }

  async #news(): Promise<readonly TickNews[]> {
    const news: TickNews[] = [];
    for (const key of await this.#keys()) news.push(...(await this.#newsOf(key)));
    return news;
  }

  /** Entries since the last look; none at the first. Others may write too: what a person did is not the tick's news. */
  async #newsOf(project: string): Promise<readonly TickNews[]> {
    const state = await this.#store.projectState(project);
    if (!state) return [];
    const seen = this.#seen.get(project);
    const entries = await this.#store.auditLog(state.id, ENTRIES_MAX);
    this.#seen.set(project, entries[0]?.id ?? 0);
    if (seen === undefined) return [];
    const fresh = entries.filter(
      ({ id, actor, action }) => id > seen && TICKS.includes(actor) && !VERDICTS.includes(action),
    );
    if (fresh.length === 0) return [];
    const names = await logNames(this.#store, state);
    return fresh.reverse().map((entry) => ({ project, entry, names }));
  }

  async #late(): Promise<readonly LateDraft[]> {
    const { project, dryRun } = this.#options;
    // A dry run starts nothing, so nothing is late.
    if (dryRun) return [];
    const due = await this.#store.dueDrafts(Date.now());
    const late: LateDraft[] = [];
    for (const { projectKey, uid, startsAtMs } of due) {
      if (project !== undefined && project !== projectKey) continue;
      const occupant = (await this.#store.projectState(projectKey))?.experiment;
      late.push({
        project: projectKey,
        experiment: uid,
        dueAtMs: startsAtMs ?? Date.now(),
        waitsFor: occupant?.uid ?? null,
      });
    }
    return late;
  }
}

/** Actors of what ticks do. */
const TICKS: readonly string[] = ["tick", "schedule"];
