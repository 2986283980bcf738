/**
 * From a project's state to a session: which arm, which config, and the start record queued before the runner runs.
 *
 * A session without unit or id reads nothing: its arm is arithmetic on the state in memory. A unit, or an id that may
 * be stored already, costs one insert-or-read bounded in time; past the bound the session is hashed and left out of
 * the evidence.
 */

import { DEFAULT_WINDOW_MS } from "../../core/decision/policy.js";
import { DethroneError, type JsonObject } from "../../core/errors.js";
import { shareOf } from "../../core/sessions/assignment.js";
import type { ConfigPreparation, PreparedConfig } from "../configs/prepared.js";
import { type SessionContext, within } from "../context.js";
import type {
  Exclusion,
  ServedState,
  SessionStart,
  SessionStore,
  StartedSession,
  StoredArm,
} from "../ports.js";
import { KnownUnits } from "./known-units.js";
import type { ReadyState } from "./ready-state.js";
import { type ForcedRole, isOutside, type Route, routeOf } from "./route.js";
import { EngineSession, type ObserveOutcome, type Placement } from "./session.js";
import type { SessionOptions } from "./session-options.js";

/** A session on its way in, its parent made into a root. */
export interface SessionPlan
  extends Pick<SessionOptions, "id" | "unit" | "context" | "durable" | "requestId"> {
  readonly root: string | null;
}

/** What sessions are started by, and where they are recorded. */
export interface Serving extends ReadyState {
  readonly store: SessionStore;
}

type WithId<P extends SessionPlan> = P & { readonly id: string };

/** How often a session is looked for that is to be joined; a look waits for who is writing. */
const LOOKS = 10;

/** Of a session whose place the store has not told yet. */
const UNCONFIRMED: Exclusion = "unconfirmed";

/** What a router is made of. */
export interface RouterSettings {
  readonly context: SessionContext;
  /** the project's */
  readonly key: string;
  readonly preparation: ConfigPreparation;
  readonly forced: ForcedRole | undefined;
  readonly observe: ObserveOutcome;
}

/** Starts sessions of one project. */
export class Router {
  readonly #settings: RouterSettings;
  readonly #context: SessionContext;
  readonly #units = new KnownUnits();
  /** sessions routed so far, for experiments whose arms take turns */
  #turns = 0;

  constructor(settings: RouterSettings) {
    this.#settings = settings;
    this.#context = settings.context;
  }

  #session(placement: Placement): EngineSession {
    return new EngineSession(this.#context, placement, this.#settings.observe);
  }

  /** A session nothing is recorded of: the champion's, for when there is no store or no telling what to do. */
  unrecorded(champion: PreparedConfig, plan: SessionPlan): EngineSession {
    return this.#session({
      id: plan.id ?? this.#context.ids.next(),
      project: this.#settings.key,
      prepared: champion,
      place: 0,
      experiment: null,
      share: null,
      excluded: UNCONFIRMED,
      unit: plan.unit ?? null,
      root: plan.root,
      isResumed: false,
      isRecorded: false,
    });
  }

  /** Starts a session at once, for a plan without a unit or id. */
  startNow(serving: Serving, plan: SessionPlan): EngineSession {
    const known = { ...plan, id: this.#context.ids.next() };
    return this.#startAs(serving, known, this.#route(serving.state, known));
  }

  /** A session of a unit whose arm the store has confirmed before, started at once; null for any other. */
  startKnown(serving: Serving, plan: SessionPlan): EngineSession | null {
    const { experiment } = serving.state;
    const { unit } = plan;
    if (plan.id !== undefined || unit === undefined || experiment?.status !== "running") return null;
    const arm = this.#units.armOf(experiment, unit);
    if (arm === null || !serving.configs.has(arm.config.id)) return null;
    const known = { ...plan, id: this.#context.ids.next() };
    const route = this.#route(serving.state, known);
    const isByHand = route.excluded === "override" || route.excluded === "forced";
    const kept = { ...route, arm, config: arm.config, excluded: "repeat" as const };
    return this.#startAs(serving, known, isByHand ? route : kept);
  }

  #startAs(serving: Serving, known: WithId<SessionPlan>, route: Route): EngineSession {
    const { store, state } = serving;
    const isSpooled = store.isSpooling();
    const { isRecorded } = this.#queueStart(store, this.#startRecord(state, route, known));
    const excluded = isRecorded && !isSpooled ? route.excluded : UNCONFIRMED;
    const placement = { ...placementOf(serving, route, known), isRecorded, excluded };
    this.#expose(placement, { arm: route.arm, excluded, requestId: known.requestId });
    return this.#session(placement);
  }

  /** Starts or resumes a session that has a unit or an id. */
  async start(serving: Serving, plan: SessionPlan): Promise<EngineSession> {
    const { store, state } = serving;
    const known = { ...plan, id: plan.id ?? this.#context.ids.next() };
    const route = this.#route(state, known);
    const record = { ...this.#startRecord(state, route, known), mayExist: plan.id !== undefined };
    const { started, isRecorded } = this.#queueStart(store, record);
    const stored = await within(this.#context.clock, this.#context.patienceMs, started, null);
    const placement = { ...placementOf(serving, route, known), isRecorded, excluded: UNCONFIRMED };
    const { requestId } = plan;
    const confirmed = stored && (await this.#confirmed(serving, placement, stored));
    if (stored && confirmed) {
      const arm = state.experiment?.arms.find(({ id }) => id === stored.armId) ?? null;
      if (stored.isNew) this.#expose(confirmed, { arm, excluded: stored.excluded, requestId });
      this.#remember(state, stored);
      return this.#session(confirmed);
    }
    if (isRecorded) this.#leaveOut(store, record.id, record.mayExist ? null : servedBy(state, route));
    // Whether a session of a given id is new is not known then.
    if (!record.mayExist) this.#expose(placement, { arm: route.arm, excluded: UNCONFIRMED, requestId });
    return this.#session(placement);
  }

  #remember({ experiment }: ServedState, { unit, armId, excluded, experimentId }: StartedSession): void {
    const isOfUnit = excluded === null || excluded === "repeat";
    if (experiment && unit !== null && armId !== null && isOfUnit && experimentId === experiment.id)
      this.#units.remember(experiment, unit, armId);
  }

  /**
   * Takes part in the session of an id, which another process has started; nothing is written. Null where its unit is
   * another one than the plan's, and where it is of another project: what a request says of its parent need not be true.
   */
  async join(serving: Serving, plan: WithId<SessionPlan>): Promise<EngineSession | null> {
    const { store, state } = serving;
    const found = await within(
      this.#context.clock,
      this.#context.patienceMs,
      this.#find(store, plan.id),
      null,
    );
    const isOther = plan.unit !== undefined && found?.unit !== plan.unit;
    if (found && (isOther || found.projectId !== state.id)) return null;
    const hashed = placementOf(serving, this.#route(state, plan), plan);
    const placement = { ...hashed, isResumed: true, excluded: UNCONFIRMED };
    const confirmed = found && (await this.#confirmed(serving, placement, found));
    if (!confirmed) this.#leaveOut(store, plan.id, null);
    return this.#session(confirmed ?? placement);
  }

  /** Looked up again and again: who has started it may have told of it before it was on disk. */
  async #find(store: SessionStore, id: string): Promise<StartedSession | null> {
    try {
      for (let looks = 0; looks < LOOKS; looks += 1) {
        const found = await store.findSession(id);
        if (found) return found;
      }
    } catch (error) {
      this.#context.fail(null, "a session could not be looked up", error, { sessionId: id });
    }
    return null;
  }

  #route(state: ServedState, plan: WithId<SessionPlan>): Route {
    // Checked to be plain JSON when the session was asked for.
    const context = (plan.context ?? null) as JsonObject | null;
    const turn = this.#turns;
    this.#turns += 1;
    return routeOf(state, { unit: plan.unit ?? plan.id, context, forced: this.#settings.forced, turn });
  }

  #startRecord(state: ServedState, route: Route, plan: WithId<SessionPlan>): SessionStart {
    const now = this.#context.clock.now();
    // The writer takes a unit outside of the experiment, once it knows that it has no arm yet.
    const isInside = !isOutside(route.excluded) || plan.unit !== undefined;
    return {
      id: plan.id,
      projectId: state.id,
      configId: route.config.id,
      experimentId: isInside ? (route.experiment?.id ?? null) : null,
      armId: isInside ? (route.arm?.id ?? null) : null,
      unit: plan.unit ?? null,
      shares: route.shares,
      excluded: route.excluded,
      isExclusive: plan.unit !== undefined && (route.experiment?.exclusionGroup ?? null) !== null,
      context: plan.context === undefined ? null : JSON.stringify(plan.context),
      root: plan.root,
      startedAtMs: now,
      windowEndsAtMs: now + (route.experiment?.policy.windowMs ?? DEFAULT_WINDOW_MS),
      mayExist: false,
    };
  }

  /** Queues the start; a failure, now or later, is counted and never reaches the host. */
  #queueStart(
    store: SessionStore,
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
    const stored = (session: StartedSession | null): StartedSession | null => {
      if (session) this.#context.succeed();
      return session;
    };
    try {
      return { started: store.startSession(record).then(stored, lost), isRecorded: true };
    } catch (error) {
      // A store that throws in the place of rejecting must not reach the host's agent either.
      return { started: Promise.resolve(lost(error)), isRecorded: false };
    }
  }

  /**
   * The session as the store has it: a unit keeps its arm, a resumed session its config, across promotions too. Null where
   * its config cannot be read and made ready in time; and whatever its arm where its experiment is not served here, for to
   * leave out the sessions of one arm alone would bias the evidence.
   */
  async #confirmed(
    serving: Serving,
    placement: Placement,
    stored: StartedSession,
  ): Promise<Placement | null> {
    const { state } = serving;
    if (stored.projectId !== state.id) {
      throw new DethroneError("input_invalid", `Session '${placement.id}' belongs to another project.`, {
        received: placement.id,
        project: state.key,
      });
    }
    if (stored.experimentId !== null && stored.experimentId === serving.refused) return null;
    const { experiment } = state;
    const place = experiment?.arms.findIndex(({ id }) => id === stored.armId) ?? -1;
    const isOfRunning = experiment !== null && stored.experimentId === experiment.id;
    const prepared =
      serving.configs.get(stored.configId) ?? (await this.#preparedInTime(serving.store, stored.configId));
    return (
      prepared && {
        ...placement,
        prepared,
        unit: stored.unit,
        root: stored.root,
        isResumed: !stored.isNew,
        place: place >= 0 ? place : (stored.arm ?? 0),
        experiment: isOfRunning ? experiment.uid : stored.experimentUid,
        share: isOfRunning ? shareOfArm(experiment.arms[place]) : null,
        excluded: stored.excluded,
      }
    );
  }

  /** A config that is not in memory any more: that of a session of an ended experiment, or of a dropped challenger. */
  async #preparedInTime(store: SessionStore, configId: number): Promise<PreparedConfig | null> {
    const { preparation } = this.#settings;
    const found = store
      .configById(configId)
      .then((config) => config && preparation.prepare(config))
      .catch(() => null);
    return within(this.#context.clock, this.#context.patienceMs, found, null);
  }

  /** Nobody knows in time what the store will say: the session runs as hashed, outside the evidence. */
  #leaveOut(store: SessionStore, sessionId: string, served: Served | null): void {
    this.#context.fail(null, "what a session was given is not known in time; it is not evidence", null, {
      sessionId,
    });
    store
      .excludeSession({ sessionId, served })
      .catch((error: unknown) =>
        this.#context.fail("writesFailed", "a session could not be left out", error),
      );
  }

  /** Tells the host's sinks of a new session that an experiment has given an arm. */
  #expose(
    { id, project, experiment, place, unit, root }: Placement,
    { arm, excluded, requestId }: Assignment,
  ): void {
    if (experiment === null || arm === null) return;
    this.#context.exposures.emit({
      project,
      experiment,
      session: id,
      arm: arm.role,
      place,
      config: arm.config.hash,
      label: arm.label,
      unit,
      share: shareOf(arm.bucketCount),
      requestId: requestId ?? null,
      isOverride: excluded === "override",
      isEvidence: excluded === null,
      excluded,
      root,
      atMs: this.#context.clock.now(),
    });
  }
}

/** What an exposure tells besides the session's place. */
interface Assignment extends Pick<SessionPlan, "requestId"> {
  readonly arm: StoredArm | null;
  readonly excluded: Exclusion | null;
}

type Served = Pick<SessionStart, "projectId" | "configId" | "experimentId" | "armId">;

/** What a session is served that runs as hashed. */
function servedBy({ id: projectId }: ServedState, { excluded, config, experiment, arm }: Route): Served {
  if (isOutside(excluded)) return { projectId, configId: config.id, experimentId: null, armId: null };
  return { projectId, configId: config.id, experimentId: experiment?.id ?? null, armId: arm?.id ?? null };
}

function shareOfArm(arm: StoredArm | null | undefined): number | null {
  return arm ? shareOf(arm.bucketCount) : null;
}

/** The place of a session that runs as hashed. */
function placementOf({ state, configs }: Serving, route: Route, plan: WithId<SessionPlan>): Placement {
  const { experiment } = route;
  const prepared = configs.get(route.config.id);
  if (!prepared) throw new DethroneError("invariant_violated", "An arm without a config that is ready.");
  const isInside = experiment !== null && !isOutside(route.excluded);
  return {
    id: plan.id,
    project: state.key,
    prepared,
    place: isInside ? experiment.arms.findIndex(({ id }) => id === route.arm?.id) : 0,
    experiment: isInside ? experiment.uid : null,
    share: isInside ? shareOfArm(route.arm) : null,
    excluded: route.excluded,
    unit: plan.unit ?? null,
    root: plan.root,
    isResumed: false,
    isRecorded: true,
  };
}
