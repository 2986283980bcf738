/**
 * What an end or a signal does to a session: pure rules that the writer applies inside its transaction.
 *
 * Times are those at which the engine accepted the end or signal, so the answer does not depend on when a job settles.
 */
import type { SignalKind } from "./score.js";

/** A session as far as the rules look at it. */
export interface SessionState {
  readonly windowEndsAtMs: number;
  readonly endedAtMs: number | null;
  readonly settledAtMs: number | null;
  readonly score: number | null;
  /** null where `end` gave the score */
  readonly signalCount: number | null;
}

/** What became of an end. A late one changes nothing. */
export type EndEffect = "settles" | "ends" | "duplicate" | "late" | "mismatch";

/**
 * What `end` does. With a score it settles at once; without, it marks the run finished. Repeating it is a duplicate,
 * with another score a mismatch, after the window it is late.
 */
export function endEffect(
  session: SessionState,
  end: { readonly score: number | null; readonly atMs: number },
): EndEffect {
  if (session.settledAtMs !== null) return effectOnSettled(session, end.score);
  if (end.atMs > session.windowEndsAtMs) return "late";
  if (end.score !== null) return "settles";
  return session.endedAtMs === null ? "ends" : "duplicate";
}

function effectOnSettled(session: SessionState, score: number | null): EndEffect {
  if (session.endedAtMs === null) return "late";
  if (score === null) return "duplicate";
  if (session.signalCount !== null) return "late";
  return session.score === score ? "duplicate" : "mismatch";
}

/** The body of a signal: what must be equal for a repeated key to be a duplicate. */
export interface SignalBody {
  readonly name: string;
  readonly value: number;
  readonly kind: SignalKind | null;
  readonly source: string | null;
}

/** What became of a signal. Both `counted` and `late` ones are kept; a late one never counts. */
export type SignalEffect = "counted" | "late" | "duplicate" | "mismatch";

/** What a signal does, given the stored signal of the same key, if any. */
export function signalEffect(
  session: SessionState,
  stored: SignalBody | undefined,
  signal: SignalBody & { readonly atMs: number },
): SignalEffect {
  if (stored !== undefined) {
    const isSame =
      stored.name === signal.name &&
      stored.value === signal.value &&
      stored.kind === signal.kind &&
      stored.source === signal.source;
    return isSame ? "duplicate" : "mismatch";
  }
  return session.settledAtMs !== null || signal.atMs > session.windowEndsAtMs ? "late" : "counted";
}
