/**
 * A session that another system has recorded, on its way into a project. It is kept outside of every experiment and is
 * never evidence: nobody drew its arm by lot.
 */
import type { JsonObject } from "../../core/errors.js";
import type { SignalKind } from "../../core/sessions/score.js";

/** An observation about such a session. */
export interface PastSignal {
  /** unique within the session; null: made of its name */
  readonly key: string | null;
  readonly name: string;
  /** in [0, 1] where `kind` is given */
  readonly value: number;
  readonly kind: SignalKind | null;
  readonly source: string | null;
  /** null: when the session began */
  readonly atMs: number | null;
}

/** What one record says of a session; all of its records together, once they are gathered. */
export interface PastSession {
  /** of the other system; null: the record is a session of its own */
  readonly id: string | null;
  readonly unit: string | null;
  /** null: the champion's */
  readonly config: JsonObject | null;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** in [0, 1]; null: left to the signals */
  readonly score: number | null;
  readonly context: JsonObject | null;
  readonly signals: readonly PastSignal[];
}

/** Where in a file: "line 17", "record 3". */
export type Place = string;

/** What could not be taken, and why. */
export interface Refusal {
  readonly place: Place;
  readonly reason: string;
}
