/**
 * An OpenFeature server provider over an engine: configs as flags, outcomes as tracking events.
 *
 * A flag key is a project's key, or a project's key, a dot and the path of a field of its config. What an evaluation is
 * given is the config of its session:
 *
 * 1. of the session under way, where the code runs in one of that project (`wrap`, `session.run`);
 * 2. else of the session of the evaluation context's targeting key (see {@link FlagSessions});
 * 3. else, without a targeting key, nobody's: the champion, and nothing is recorded.
 */
import type {
  ErrorCode,
  EvaluationContext,
  JsonValue,
  Provider,
  ResolutionDetails,
  TrackingEventDetails,
} from "@openfeature/server-sdk";
import { DethroneError } from "../../core/errors.js";
import type { SignalKind } from "../../core/sessions/score.js";
import { FailureLog } from "../../engine/failure-log.js";
import type { Logger } from "../../engine/ports.js";
import { enclosingSession } from "../../engine/sessions/current-session.js";
import type { SignalInput } from "../../engine/sessions/session.js";
import { checkCount, checkMs, refuseSetting } from "../settings.js";
import type { FlagEngine, FlagProject } from "./engine.js";
import { type FlagType, resolved, type Served, servedTo, servedToNobody, thrown } from "./evaluation.js";
import { FlagKeys } from "./flag-keys.js";
import { FlagSessions, type TargetingKey } from "./flag-sessions.js";
import { FlagEvents } from "./provider-events.js";

/** Settings of the provider. */
export interface ProviderOptions {
  /**
   * what the targeting key is: the `unit` that is randomised (a user, a repository), or the id of the `session` itself,
   * which any process may resume; default `unit`
   */
  readonly targetingKey?: TargetingKey;
  /** projects that are opened at the start; one that does not exist makes the provider's status ERROR. Default: none. */
  readonly projects?: readonly string[];
  /**
   * attributes of the evaluation context that sessions keep, for audiences and breakdowns; default: none, because what
   * is kept is stored
   */
  readonly attributes?: readonly string[];
  /** tracking events that bear on the score, by name: `{ thumbs: "explicit" }`; the others are metrics. Default: none. */
  readonly kinds?: Readonly<Record<string, SignalKind>>;
  /** how long, in milliseconds, the evaluations of a targeting key share a session; default 5 minutes */
  readonly sessionMs?: number;
  /** most sessions remembered, so that later evaluations and events find them; default 10,000 */
  readonly capacity?: number;
  /** where failures go that OpenFeature has no place for, those of `track`; default: standard error */
  readonly logger?: Logger;
  /** the time, in milliseconds since the epoch; default: the system's */
  readonly now?: () => number;
}

const SESSION_MS = 5 * 60_000;
const CAPACITY = 10_000;
/** How often the provider looks whether the engine is well, and whether a champion or experiment has changed. */
const WATCH_MS = 1000;

type EngineStatus = ReturnType<FlagEngine["health"]>["status"];

/**
 * Makes the provider.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * await OpenFeature.setProviderAndWait(openFeatureProvider(engine, { kinds: { thumbs: "explicit" } }));
 * const model = await OpenFeature.getClient().getStringValue("support.model", "m-large", { targetingKey: "user-42" });
 */
export function openFeatureProvider(engine: FlagEngine, options: ProviderOptions = {}): DethroneProvider {
  return new DethroneProvider(engine, options);
}

/** The provider. No method of it throws or rejects but `initialize`, by which a provider says that it is not ready. */
export class DethroneProvider implements Provider {
  readonly metadata = { name: "dethrone" } as const;
  readonly runsOn = "server";
  readonly events = new FlagEvents();
  readonly #engine: FlagEngine;
  readonly #options: ProviderOptions;
  readonly #keys: FlagKeys;
  readonly #sessions: FlagSessions;
  readonly #failures: FailureLog;
  /** signals on their way */
  readonly #tracking = new Set<Promise<unknown>>();
  /** by project: what its new sessions are given, as last seen */
  readonly #seen = new Map<FlagProject, string>();
  #status: EngineStatus = "ok";
  #watch: NodeJS.Timeout | undefined;

  constructor(engine: FlagEngine, options: ProviderOptions) {
    const { targetingKey = "unit", sessionMs = SESSION_MS, capacity = CAPACITY, now = Date.now } = options;
    if (targetingKey !== "unit" && targetingKey !== "session") {
      refuseSetting("targetingKey", targetingKey, "'unit' or 'session'");
    }
    checkMs("sessionMs", sessionMs);
    checkCount("capacity", capacity);
    this.#engine = engine;
    this.#options = options;
    this.#failures = new FailureLog(options.logger);
    this.#keys = new FlagKeys(engine, now);
    this.#sessions = new FlagSessions({ targetingKey, sessionMs, capacity, now, failures: this.#failures });
  }

  /** @throws Error `PROVIDER_FATAL` where the engine is closed; DethroneError `project_not_found` */
  async initialize(): Promise<void> {
    if (this.#engine.health().status === "closed") {
      throw Object.assign(new Error("The engine is closed."), { code: "PROVIDER_FATAL" as ErrorCode });
    }
    await Promise.all((this.#options.projects ?? []).map((key) => this.#keys.place(key)));
    this.#watch = setInterval(() => this.#look(), WATCH_MS).unref();
    // Not before OpenFeature has made its READY of this, which would cover a STALE.
    setImmediate(() => this.#look());
  }

  /** Resolves when what has been tracked so far is on disk, or has failed. */
  async onClose(): Promise<void> {
    clearInterval(this.#watch);
    await Promise.allSettled([...this.#tracking]);
  }

  resolveBooleanEvaluation(
    flagKey: string,
    defaultValue: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#evaluate("boolean", flagKey, defaultValue, context);
  }

  resolveStringEvaluation(
    flagKey: string,
    defaultValue: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.#evaluate("string", flagKey, defaultValue, context);
  }

  resolveNumberEvaluation(
    flagKey: string,
    defaultValue: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.#evaluate("number", flagKey, defaultValue, context);
  }

  resolveObjectEvaluation<T extends JsonValue>(
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<T>> {
    return this.#evaluate("object", flagKey, defaultValue, context);
  }

  async #evaluate<T>(
    type: FlagType,
    flagKey: string,
    defaultValue: T,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<T>> {
    try {
      const place = await this.#keys.place(flagKey);
      const served = await this.#serve(place.project, context);
      return resolved(flagKey, place, served, type, defaultValue);
    } catch (error) {
      return thrown(defaultValue, error);
    }
  }

  async #serve(project: FlagProject, context: EvaluationContext): Promise<Served> {
    const isStale = this.#engine.health().status === "degraded";
    const { targetingKey } = context;
    const underWay = this.#sessions.underWay(project);
    if (underWay === undefined && targetingKey === undefined) return servedToNobody(project, isStale);
    const session =
      underWay ?? (await this.#sessions.of(project, targetingKey as string, this.#attributesOf(context)));
    return servedTo(session, project, isStale);
  }

  /** What the session keeps of an evaluation context, as JSON; undefined for nothing. */
  #attributesOf(context: EvaluationContext): object | undefined {
    const { attributes = [] } = this.#options;
    const kept = attributes.filter((name) => Object.hasOwn(context, name) && context[name] !== undefined);
    if (kept.length === 0) return undefined;
    // Dates are allowed in a context, and JSON has their text.
    return JSON.parse(JSON.stringify(Object.fromEntries(kept.map((name) => [name, context[name]]))));
  }

  /**
   * Records a signal: the event's name, and the value of its details, by default 1. The session is that of the details'
   * `sessionId`; else the one under way; else the newest that was started here for the targeting key. Of the details
   * `kind`, `key` and `source` are the signal's.
   */
  track(name: string, context: EvaluationContext = {}, details: TrackingEventDetails = {}): void {
    const recording = this.#record(name, context, details).catch((error: unknown) =>
      this.#failures.note("a tracking event was not recorded", error, { event: String(name) }),
    );
    this.#tracking.add(recording);
    void recording.then(() => this.#tracking.delete(recording));
  }

  async #record(
    name: string,
    { targetingKey }: EvaluationContext,
    details: TrackingEventDetails,
  ): Promise<void> {
    const { sessionId, value = 1, kind = this.#options.kinds?.[name], key, source = "openfeature" } = details;
    const given = Object.entries({ kind, key }).filter(([, field]) => field !== undefined);
    // The engine refuses what is no signal.
    const signal = { name, value, source, ...Object.fromEntries(given) } as SignalInput;
    const underWay = sessionId === undefined ? enclosingSession() : undefined;
    if (underWay) await underWay.signal(signal);
    else await this.#engine.signal(String(sessionId ?? (await this.#newestOf(name, targetingKey))), signal);
  }

  /** Id of the session a tracking event is about, by its targeting key. @throws DethroneError `session_not_found` */
  async #newestOf(event: string, targetingKey: string | undefined): Promise<string> {
    const id = targetingKey ? await this.#sessions.idOf(targetingKey) : null;
    if (id !== null) return id;
    throw new DethroneError(
      "session_not_found",
      `No session is known for the tracking event '${event}'; give its id as sessionId.`,
      { targetingKey: targetingKey ?? null },
    );
  }

  /** Tells of what has changed since the last look. */
  #look(): void {
    try {
      this.#lookAtEngine();
      this.#lookAtProjects();
    } catch (error) {
      this.#failures.note("the engine could not be looked at", error);
    }
  }

  #lookAtEngine(): void {
    const { status } = this.#engine.health();
    if (status === this.#status) return;
    this.#status = status;
    if (status === "degraded") this.events.tell("stale", { message: "the database is away" });
    else if (status === "closed") this.events.tell("error", { message: "the engine is closed" });
    else this.events.tell("ready");
  }

  #lookAtProjects(): void {
    for (const [project, flagsChanged] of this.#keys.projects()) {
      const serving = `${project.championHash} ${project.experiment}`;
      const before = this.#seen.get(project);
      this.#seen.set(project, serving);
      if (before !== undefined && before !== serving)
        this.events.tell("changed", { flagsChanged: [...flagsChanged] });
    }
  }
}
