/**
 * Which session an evaluation belongs to, where none is under way.
 *
 * A request evaluates several flags, and each evaluation is not a run of the agent. So the evaluations of a project for one
 * targeting key share a session for a while. After it a unit gets another one; an id names the same one for ever.
 *
 * Nobody tells a provider when the run is over. The session is therefore marked as finished as soon as it has started,
 * and settles by the signals of its window, however the process ends: one without any is missing, not a failure.
 */

import type { FailureLog } from "../../engine/failure-log.js";
import { RecentMap } from "../../engine/recent-map.js";
import { enclosingSession } from "../../engine/sessions/current-session.js";
import type { FlagProject, FlagSession } from "./engine.js";

/** What a targeting key is. */
export type TargetingKey = "unit" | "session";

/** How sessions are found and started. */
export interface FlagSessionsSettings {
  readonly targetingKey: TargetingKey;
  /** how long, in milliseconds, the evaluations of a targeting key share a session that is not looked up again */
  readonly sessionMs: number;
  /** most sessions remembered */
  readonly capacity: number;
  readonly now: () => number;
  readonly failures: FailureLog;
}

interface Kept {
  readonly session: Promise<FlagSession>;
  readonly startedAtMs: number;
}

/** The sessions of evaluations, by project and targeting key. */
export class FlagSessions {
  readonly #settings: FlagSessionsSettings;
  readonly #kept: RecentMap<string, Kept>;
  /** by targeting key alone: an outcome names no project */
  readonly #newest: RecentMap<string, Promise<FlagSession>>;

  constructor(settings: FlagSessionsSettings) {
    this.#settings = settings;
    this.#kept = new RecentMap(settings.capacity);
    this.#newest = new RecentMap(settings.capacity);
  }

  /** The session under way of a project, if the code runs in one: whatever the targeting key, a run has one config. */
  underWay(project: FlagProject): FlagSession | undefined {
    const session = enclosingSession();
    return session?.project === project.key ? (session as unknown as FlagSession) : undefined;
  }

  /**
   * The session of a targeting key; evaluations at the same time get the same one.
   *
   * @throws DethroneError `input_invalid` where the key is no unit or id; `privacy_refused` where the guard refuses the
   *   context
   */
  of(project: FlagProject, targetingKey: string, context: object | undefined): Promise<FlagSession> {
    const place = JSON.stringify([project.key, targetingKey]);
    const kept = this.#kept.get(place);
    if (kept && this.#settings.now() - kept.startedAtMs < this.#settings.sessionMs) return kept.session;
    const session = this.#start(project, targetingKey, context);
    this.#kept.set(place, { session, startedAtMs: this.#settings.now() });
    session.then(
      () => this.#newest.set(targetingKey, session),
      () => this.#kept.delete(place),
    );
    return session;
  }

  /** The id of the session that an outcome of a targeting key is about; null where none is known here. */
  async idOf(targetingKey: string): Promise<string | null> {
    if (this.#settings.targetingKey === "session") return targetingKey;
    const session = await this.#newest.get(targetingKey);
    return session?.id ?? null;
  }

  async #start(project: FlagProject, key: string, context: object | undefined): Promise<FlagSession> {
    const who = this.#settings.targetingKey === "session" ? { id: key } : { unit: key };
    const session = await project.session(context ? { ...who, context } : who);
    if (!session.isResumed) {
      session.end().catch((error: unknown) => {
        this.#settings.failures.note("a session of an evaluation could not be finished", error, {
          sessionId: session.id,
        });
      });
    }
    return session;
  }
}
