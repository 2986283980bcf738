/**
 * One run of the agent under one config, as the host sees it.
 */

import type { Role } from "../../core/decision/evidence.js";
import { FAILURE_SIGNALS } from "../../core/decision/fuse.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import type { SignalKind } from "../../core/sessions/score.js";
import type { PreparedConfig } from "../configs/prepared.js";
import { assertPrivate } from "../configs/privacy.js";
import type { SessionContext } from "../context.js";
import type { EndReceipt, Exclusion, SessionStore, SignalReceipt } from "../ports.js";
import { runInSession } from "./current-session.js";
import type { FusedSession } from "./local-fuse.js";

/** An observation about a session. */
export interface SignalInput {
  readonly name: string;
  /** any finite number; with a `kind`, in [0, 1]. A boolean counts as 0 or 1. */
  readonly value: number | boolean;
  /** makes the signal bear on the score: `explicit` if a person or judge graded it, `implicit` if inferred */
  readonly kind?: SignalKind;
  /** where it came from, e.g. `judge:v3` */
  readonly source?: string;
  /** recording the same key twice stores it once; default: a new key a call */
  readonly key?: string;
}

/** How a session went, if known. */
export interface EndInput {
  /** boolean, or a number in [0, 1]; left out: the signals of the window decide */
  readonly score?: number | boolean;
}

/** `off`: nothing is recorded, because dethrone is switched off. */
export type Receipt<R extends { status: string }> = R | { readonly status: "off" };

/** A session. `config` is the session's own copy: changing it changes nothing else. */
export interface Session<Config = JsonObject, Built = undefined> {
  readonly id: string;
  readonly project: string;
  readonly config: Config;
  /** SHA-256 of the config as it is stored, before a schema filled anything in */
  readonly configHash: string;
  /** what the project's `build` has made of the config, once a process: all sessions of the config share it */
  readonly built: Built;
  readonly arm: Role;
  /** its arm's place in the experiment: 0 the champion's, j the j-th challenger's; 0 outside of an experiment */
  readonly place: number;
  /** id of the experiment the session takes part in, or null */
  readonly experiment: string | null;
  /** of its arm in that experiment as it runs here, in [0, 1]; null outside of one, and once it has ended */
  readonly share: number | null;
  /** why it is no evidence, as known at its start: `repeat`, `override`, `unconfirmed`, ...; null where it may be */
  readonly excluded: Exclusion | null;
  readonly unit: string | null;
  /** id of the session it all began with, in this project or another; null where it began with this one */
  readonly root: string | null;
  /** whether the session was resumed by its id */
  readonly isResumed: boolean;
  /** fires after `timeoutMs` of `wrap` */
  readonly abortSignal: AbortSignal;
  /** Runs `fn` in this session: `currentSession()` finds it there, and sessions of other projects become parts of it. */
  run<R>(fn: () => R): R;
  /**
   * Calls `fn` once, right before the session is ended through this object: what it signals then still counts. What it
   * throws goes no further; once the session has ended it is not called.
   */
  beforeEnd(fn: () => void): void;
  /**
   * Records a signal; resolves when it is on disk. One with a `kind` reaches the sessions that are a part of this one by
   * now too, if this is their root.
   */
  signal(signal: SignalInput): Promise<Receipt<SignalReceipt>>;
  /**
   * Ends the session; resolves when that is on disk. With a score it settles at once, and its parts get the score as a
   * signal `root_score`.
   */
  end(input?: EndInput): Promise<Receipt<EndReceipt>>;
}

/** A score as a number in [0, 1], or null if none is given. @throws DethroneError `score_out_of_range` */
export function scoreOf(score: unknown): number | null {
  if (score === undefined) return null;
  if (typeof score === "boolean") return Number(score);
  if (typeof score === "number" && score >= 0 && score <= 1) return score;
  throw new DethroneError(
    "score_out_of_range",
    `A score must be a boolean or a number in [0, 1]; received ${String(score)}.`,
    { received: received(score), allowed: "a boolean or a number in [0, 1]" },
  );
}

const NAME_LENGTH_MAX = 200;

function invalidSignal(field: string, value: unknown, allowed: string): never {
  throw new DethroneError(
    "signal_invalid",
    `A signal's ${field} must be ${allowed}; received ${String(value)}.`,
    {
      field,
      received: received(value),
      allowed,
    },
  );
}

function checkText(field: string, value: unknown): void {
  const isText = typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX;
  if (!isText) invalidSignal(field, value, `a text of 1 to ${NAME_LENGTH_MAX} characters`);
}

/** A signal in its stored form. @throws DethroneError `signal_invalid` */
export function checkedSignal(signal: SignalInput): {
  name: string;
  value: number;
  kind: SignalKind | null;
  source: string | null;
} {
  if (typeof signal !== "object" || signal === null)
    invalidSignal("body", signal, "an object { name, value }");
  const { name, kind = null, source = null, key } = signal;
  checkText("name", name);
  if (source !== null) checkText("source", source);
  if (key !== undefined) checkText("key", key);
  if (kind !== null && kind !== "explicit" && kind !== "implicit")
    invalidSignal("kind", kind, "'explicit' or 'implicit'");
  const value = typeof signal.value === "boolean" ? Number(signal.value) : signal.value;
  if (typeof value !== "number" || !Number.isFinite(value))
    invalidSignal("value", value, "a finite number or a boolean");
  if (kind !== null && !(value >= 0 && value <= 1))
    invalidSignal("value", value, `a number in [0, 1] where kind is '${kind}'`);
  return { name, value, kind, source };
}

/** Checks a signal and whose it is. @throws DethroneError `input_invalid`, `signal_invalid` */
export function checkSignalOf(sessionId: unknown, signal: SignalInput): void {
  if (typeof sessionId !== "string" || sessionId === "")
    throw new DethroneError("input_invalid", "A session id must be a text.", {
      received: received(sessionId),
    });
  checkedSignal(signal);
}

/** Records a signal of any session. @throws DethroneError `signal_invalid`, `privacy_refused` */
export async function recordSignal(
  context: SessionContext,
  store: SessionStore,
  sessionId: string,
  signal: SignalInput,
): Promise<SignalReceipt> {
  const body = checkedSignal(signal);
  const { name, source } = body;
  assertPrivate(context.guard, "signal", source === null ? { name } : { name, source });
  // Made once per call, so that a retry of the write below cannot store it twice.
  const key = signal.key ?? context.ids.next();
  return store.addSignal({ sessionId, key, ...body, atMs: context.clock.now() });
}

/** The place of a session in its project: what it was given and what it counts for. */
export interface Placement {
  readonly id: string;
  readonly project: string;
  readonly prepared: Pick<PreparedConfig, "config" | "hash" | "built">;
  /** of its arm; 0 is the champion's */
  readonly place: number;
  readonly experiment: string | null;
  readonly share: number | null;
  readonly excluded: Exclusion | null;
  readonly unit: string | null;
  readonly root: string | null;
  readonly isResumed: boolean;
  /** whether the start of the session was queued for the store */
  readonly isRecorded: boolean;
}

/** Told once of each session: that it failed, or that it ended without. */
export type ObserveOutcome = (session: FusedSession, isFailed: boolean) => void;

/** The session the engine hands out. */
export class EngineSession implements Session<unknown, unknown> {
  readonly id: string;
  readonly project: string;
  readonly arm: Role;
  readonly place: number;
  readonly experiment: string | null;
  readonly share: number | null;
  readonly excluded: Exclusion | null;
  readonly unit: string | null;
  readonly root: string | null;
  readonly isResumed: boolean;
  readonly isRecorded: boolean;
  readonly #context: SessionContext;
  readonly #prepared: Placement["prepared"];
  readonly #observe: ObserveOutcome;
  #isObserved = false;
  #hasEnded = false;
  #beforeEnd: (() => void)[] = [];
  #config: unknown;
  #abort: AbortController | undefined;

  constructor(context: SessionContext, placement: Placement, observe: ObserveOutcome) {
    this.#context = context;
    this.#observe = observe;
    this.#prepared = placement.prepared;
    this.id = placement.id;
    this.project = placement.project;
    this.arm = placement.place === 0 ? "champion" : "challenger";
    this.place = placement.place;
    this.experiment = placement.experiment;
    this.share = placement.share;
    this.excluded = placement.excluded;
    this.unit = placement.unit;
    this.root = placement.root;
    this.isResumed = placement.isResumed;
    this.isRecorded = placement.isRecorded;
  }

  // A copy, made when first asked for: the host may change it without changing the next session's config.
  get config(): unknown {
    this.#config ??= structuredClone(this.#prepared.config);
    return this.#config;
  }

  get configHash(): string {
    return this.#prepared.hash;
  }

  get built(): unknown {
    return this.#prepared.built;
  }

  /** Whether it has been ended through this object. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether it is of this project, as one engine knows it. */
  isOf(context: SessionContext, project: string): boolean {
    return this.#context === context && this.project === project;
  }

  get #controller(): AbortController {
    this.#abort ??= new AbortController();
    return this.#abort;
  }

  get abortSignal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Fires {@link abortSignal}. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  run<R>(fn: () => R): R {
    return runInSession(this, fn);
  }

  beforeEnd(fn: () => void): void {
    if (!this.#hasEnded) this.#beforeEnd.push(fn);
  }

  async signal(signal: SignalInput): Promise<Receipt<SignalReceipt>> {
    const { name, value } = checkedSignal(signal);
    if (this.#context.isOff) return { status: "off" };
    if (FAILURE_SIGNALS.includes(name) && value !== 0) this.#tell(true);
    return recordSignal(this.#context, this.#recordingStore(), this.id, signal);
  }

  async end(input: EndInput = {}): Promise<Receipt<EndReceipt>> {
    const score = scoreOf(input.score);
    this.#hasEnded = true;
    this.#callBeforeEnd();
    if (this.#context.isOff) return { status: "off" };
    this.#tell(false);
    return this.#recordingStore().endSession({ sessionId: this.id, score, atMs: this.#context.clock.now() });
  }

  #callBeforeEnd(): void {
    for (const fn of this.#beforeEnd.splice(0)) {
      try {
        fn();
      } catch (error) {
        this.#context.fail("callbacksFailed", "what was to be done before a session's end failed", error, {
          sessionId: this.id,
        });
      }
    }
  }

  /** Tells how the session went, the first time that is known. */
  #tell(isFailed: boolean): void {
    if (this.#isObserved) return;
    this.#isObserved = true;
    this.#observe(this, isFailed);
  }

  #recordingStore(): SessionStore {
    const store = this.#context.requireStore();
    if (this.isRecorded) return store;
    throw new DethroneError(
      "storage_unavailable",
      `Session '${this.id}' started while the ${this.#context.storage.name} was away, so nothing about it can be recorded.`,
      { sessionId: this.id },
    );
  }
}
