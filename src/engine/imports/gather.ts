/**
 * Puts together what several records say of one session. Files may be larger than the memory, so a session is let go
 * when too many others have begun after it; what comes later is told as it comes.
 */
import type { PastSession, PastSignal, Place } from "./past-session.js";

/** Sessions that wait for more of their records, at most. */
const OPEN_MAX = 10_000;

/** A session, and the record that was the first of it. */
export interface Gathered {
  readonly session: PastSession & { readonly id: string };
  readonly place: Place;
}

type Least = number | null;

const chosen = (a: Least, b: Least, of: (...values: number[]) => number): Least =>
  a === null || b === null ? (a ?? b) : of(a, b);

const merged = <T extends object>(a: T | null, b: T | null): T | null =>
  (a || b) && { ...(b as T), ...(a as T) };

function joined({ session: a, place }: Gathered, b: PastSession): Gathered {
  const session = {
    id: a.id,
    unit: a.unit ?? b.unit,
    config: merged(a.config, b.config),
    startedAtMs: chosen(a.startedAtMs, b.startedAtMs, Math.min),
    endedAtMs: chosen(a.endedAtMs, b.endedAtMs, Math.max),
    score: a.score ?? b.score,
    context: merged(a.context, b.context),
    signals: [...a.signals, ...b.signals],
  };
  return { session, place };
}

/** Sessions that are not complete yet, for all that is known. */
export class Gathering {
  readonly #open = new Map<string, Gathered>();

  /** Takes what a record says; gives the session that is let go for it, if any. */
  add(gathered: Gathered): Gathered | null {
    const { id } = gathered.session;
    const known = this.#open.get(id);
    this.#open.set(id, known ? joined(known, gathered.session) : gathered);
    if (this.#open.size <= OPEN_MAX) return null;
    const [oldest] = this.#open.values();
    this.#open.delete((oldest as Gathered).session.id);
    return oldest as Gathered;
  }

  /** Those that are left, oldest first. */
  rest(): Iterable<Gathered> {
    return this.#open.values();
  }
}

/** The signals with a key each: a second one of a name is numbered. */
export function keyed(signals: readonly PastSignal[]): (PastSignal & { readonly key: string })[] {
  const counts = new Map<string, number>();
  return signals.map((signal) => {
    if (signal.key !== null) return { ...signal, key: signal.key };
    const count = (counts.get(signal.name) ?? 0) + 1;
    counts.set(signal.name, count);
    return { ...signal, key: count === 1 ? signal.name : `${signal.name}#${count}` };
  });
}
