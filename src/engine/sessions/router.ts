/**
 * From a project's state to a session: which arm, which config, and the start record queued before the runner runs.
 *
 * A session without unit or id reads nothing: its arm is arithmetic on the state in memory. A unit, or an id that may
 * be stored already, costs one insert-or-read bounded in time; past the bound the session is hashed and left out of
 * the evidence.
 */

import { DEFAULT_WINDOW_MS } from "../../core/decision/policy.js";
import { DethroneError, type JsonObject, received } from "../../core/errors.js";
import { armOf, bucketOf, SHARE_MAX, SHARE_MIN, shareOf } from "../../core/sessions/assignment.js";
import { partNotJson } from "../configs/config.js";
import { type EngineContext, within } from "../context.js";
import type {
  Exclusion,
  ProjectState,
  SessionStart,
  StartedSession,
  Store,
  StoredArm,
  StoredConfig,
  StoredExperiment,
} from "../ports.js";
import { EngineSession, type ObserveOutcome, type Placement } from "./session.js";

/** How a session is to start. */
export interface SessionOptions {
  /** the session's own id; a stored one is resumed, with the config it started with */
  readonly id?: string | undefined;
  /** what is randomised (a user, repository, conversation); default: the session itself */
  readonly unit?: string | undefined;
  /** attributes of the session, kept for breakdowns */
  readonly context?: object | undefined;
}

const ID_LENGTH_MAX = 200;

/** @throws DethroneError `input_invalid` */
export function checkSessionOptions(options: SessionOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new DethroneError("input_invalid", "A session's options must be an object.", {
      received: received(options),
    });
  }
  for (const field of ["id", "unit"] as const) {
    const value: unknown = options[field];
    if (value === undefined) continue;
    if (typeof value === "string" && value.length > 0 && value.length <= ID_LENGTH_MAX) continue;
    throw new DethroneError(
      "input_invalid",
      `A session's ${field} must be a text of 1 to ${ID_LENGTH_MAX} characters; received ${String(value)}.`,
      { field, received: received(value) },
    );
  }
  const { context } = options;
  if (context === undefined) return;
  const isObject = typeof context === "object" && context !== null && !Array.isArray(context);
  const offender = isObject ? partNotJson(context) : "it is no object";
  if (offender === null) return;
  throw new DethroneError("input_invalid", `A session's context must be a plain JSON object: ${offender}.`, {
    field: "context",
    received: offender,
  });
}

interface Route {
  readonly experiment: StoredExperiment | null;
  readonly arm: StoredArm | null;
  readonly config: StoredConfig;
  readonly share: number | null;
  readonly excluded: Exclusion | null;
}

/** Which role to force on every session, in tests of a host. Forced sessions are never evidence. */
export type ForcedRole = "champion" | "challenger";

function routeOf(state: ProjectState, unit: string, forced: ForcedRole | undefined): Route {
  const { experiment, champion } = state;
  if (experiment?.status !== "running") {
    return { experiment: null, arm: null, config: champion, share: null, excluded: null };
  }
  const bucket = bucketOf({ version: experiment.hashVersion, experiment: experiment.uid, unit });
  const hashed = armOf(bucket, experiment.arms);
  const arm = forced ? (experiment.arms.find((each) => each.role === forced) ?? hashed) : hashed;
  const share = challengerShare(experiment);
  const isRandomised = share >= SHARE_MIN && share <= SHARE_MAX;
  const excluded = forced ? "forced" : isRandomised ? null : "share";
  return { experiment, arm, config: arm.config, share, excluded };
}

/** The share truly used: the buckets of the challenger over all buckets. */
function challengerShare(experiment: StoredExperiment): number {
  return shareOf(experiment.arms.find((arm) => arm.role === "challenger")?.bucketCount ?? 0);
}

/** Starts sessions of one project. */
export class Router {
  readonly #context: EngineContext;
  readonly #forced: ForcedRole | undefined;
  readonly #observe: ObserveOutcome;

  constructor(context: EngineContext, forced: ForcedRole | undefined, observe: ObserveOutcome) {
    this.#context = context;
    this.#forced = forced;
    this.#observe = observe;
  }

  #session<Config>(placement: Placement): EngineSession<Config> {
    return new EngineSession(this.#context, placement, this.#observe);
  }

  /** A session nothing is recorded of: the champion's, for when there is no store or no telling what to do. */
  unrecorded<Config>(key: string, champion: JsonObject, options: SessionOptions): EngineSession<Config> {
    return this.#session({
      id: options.id ?? this.#context.ids.next(),
      project: key,
      body: champion,
      arm: "champion",
      experiment: null,
      unit: options.unit ?? null,
      isResumed: false,
      isRecorded: false,
    });
  }

  /** Starts a session at once, for options without a unit or id. */
  startNow<Config>(store: Store, state: ProjectState, options: SessionOptions): EngineSession<Config> {
    const id = this.#context.ids.next();
    const route = routeOf(state, id, this.#forced);
    const { isRecorded } = this.#queueStart(
      store,
      this.#startRecord(state, route, { ...options, id }, false),
    );
    return this.#session(placementOf(state, route, { id, unit: null, isRecorded }));
  }

  /** Starts or resumes a session that has a unit or an id. */
  async start<Config>(
    store: Store,
    state: ProjectState,
    options: SessionOptions,
  ): Promise<EngineSession<Config>> {
    const id = options.id ?? this.#context.ids.next();
    const unit = options.unit ?? null;
    const route = routeOf(state, unit ?? id, this.#forced);
    const record = this.#startRecord(state, route, { ...options, id }, options.id !== undefined);
    const { started, isRecorded } = this.#queueStart(store, record);
    const stored = await within(this.#context.clock, this.#context.patienceMs, started, null);
    const placement = placementOf(state, route, { id, unit, isRecorded });
    const confirmed = stored && (await this.#confirmed(store, state, placement, stored));
    if (!confirmed && isRecorded) this.#leaveOut(store, record);
    return this.#session(confirmed ?? placement);
  }

  #startRecord(
    state: ProjectState,
    route: Route,
    options: SessionOptions & { readonly id: string },
    mayExist: boolean,
  ): SessionStart {
    const now = this.#context.clock.now();
    return {
      id: options.id,
      projectId: state.id,
      configId: route.config.id,
      experimentId: route.experiment?.id ?? null,
      armId: route.arm?.id ?? null,
      unit: options.unit ?? null,
      share: route.share,
      excluded: route.excluded,
      context: options.context === undefined ? null : JSON.stringify(options.context),
      startedAtMs: now,
      windowEndsAtMs: now + (route.experiment?.policy.windowMs ?? DEFAULT_WINDOW_MS),
      mayExist,
    };
  }

  /** Queues the start; a failure, now or later, is counted and never reaches the host. */
  #queueStart(
    store: Store,
    record: SessionStart,
  ): { started: Promise<StartedSession | null>; isRecorded: boolean } {
    const lost = (error: unknown): null => {
      this.#context.fail("sessionsDropped", "a session could not be recorded", error);
      return null;
    };
    // Asked before, because an admitted start must be followed by its end and a refused one must not.
    if (!store.hasRoom()) {
      lost(new DethroneError("queue_full", "Too many rows wait to be written; the session is not recorded."));
      return { started: Promise.resolve(null), isRecorded: false };
    }
    const stored = (session: StartedSession): StartedSession => {
      this.#context.succeed();
      return session;
    };
    return { started: store.startSession(record).then(stored, lost), isRecorded: true };
  }

  /** The session as the store has it, or null where its config cannot be read in time: a unit keeps its arm, a resumed session its config, across promotions too. */
  async #confirmed(
    store: Store,
    state: ProjectState,
    placement: Placement,
    stored: StartedSession,
  ): Promise<Placement | null> {
    if (stored.projectId !== state.id) {
      throw new DethroneError("input_invalid", `Session '${placement.id}' belongs to another project.`, {
        received: placement.id,
        project: state.key,
      });
    }
    const arm = state.experiment?.arms.find((each) => each.id === stored.armId);
    const served: Placement = {
      ...placement,
      unit: stored.unit,
      isResumed: !stored.isNew,
      arm: arm?.role ?? stored.role ?? "champion",
      experiment: stored.isNew ? placement.experiment : stored.experimentUid,
    };
    const known = arm?.config ?? (stored.configId === state.champion.id ? state.champion : null);
    if (known) return { ...served, body: known.body };
    // A session of an ended experiment: its config is not in memory any more.
    const { clock, patienceMs } = this.#context;
    const found = store.configById(stored.configId).catch(() => null);
    const config = await within(clock, patienceMs, found, null);
    return config && { ...served, body: config.body };
  }

  /** Nobody knows in time what the store will say: the session runs as hashed, outside the evidence. */
  #leaveOut(store: Store, record: SessionStart): void {
    const served = record.mayExist ? null : { configId: record.configId, armId: record.armId };
    this.#context.fail(null, "the database did not answer in time; the session is not evidence", null, {
      sessionId: record.id,
    });
    store
      .excludeSession({ sessionId: record.id, served })
      .catch((error: unknown) =>
        this.#context.fail("writesFailed", "a session could not be left out", error),
      );
  }
}

function placementOf(
  state: ProjectState,
  route: Route,
  session: { readonly id: string; readonly unit: string | null; readonly isRecorded: boolean },
): Placement {
  return {
    ...session,
    project: state.key,
    body: route.config.body,
    arm: route.arm?.role ?? "champion",
    experiment: route.experiment?.uid ?? null,
    isResumed: false,
  };
}
