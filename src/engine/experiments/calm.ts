/**
 * Experiments that the fuse need not be asked about: to count an experiment's live sessions costs more than all else that
 * a tick does of it, and where none of a challenger has failed nothing but a new signal of failure can change that.
 */
import type { Pulse, Store } from "../ports.js";

/** New signals up to which they are looked through; of more, the experiments' own live counts are asked. */
const SIGNALS_MAX = 100_000;

/** What ticks of one process remember of it. */
export class CalmExperiments {
  /** id of the newest signal when no challenger's live session had failed, by the experiments' uids */
  readonly #since = new Map<string, number>();

  /** Those of the experiments of which it is known that no challenger's live session has failed up to their pulses. */
  async among(store: Store, pulses: readonly Pulse[]): Promise<ReadonlySet<string>> {
    const known = pulses.filter(({ experimentUid }) => this.#since.has(experimentUid));
    if (known.length === 0) return new Set();
    const untilId = Math.max(...known.map(({ newestSignalId }) => newestSignalId));
    const marks = known.map(({ experimentUid }) => this.#since.get(experimentUid) as number);
    const afterId = Math.max(Math.min(...marks), untilId - SIGNALS_MAX);
    const failed = untilId > afterId ? await store.failedSince({ afterId, untilId }) : new Set();
    for (const pulse of known) {
      const { experimentUid: uid } = pulse;
      this.note(pulse, (this.#since.get(uid) as number) >= afterId && !failed.has(uid));
    }
    return new Set(known.map(({ experimentUid }) => experimentUid).filter((uid) => this.#since.has(uid)));
  }

  /** Notes what was seen of an experiment at its pulse. */
  note({ experimentUid, newestSignalId }: Pulse, isCalm: boolean): void {
    if (isCalm) this.#since.set(experimentUid, newestSignalId);
    else this.#since.delete(experimentUid);
  }

  /** Forgets all but these. */
  keep(uids: ReadonlySet<string>): void {
    for (const uid of this.#since.keys()) if (!uids.has(uid)) this.#since.delete(uid);
  }
}
