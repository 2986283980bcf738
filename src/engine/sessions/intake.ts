/**
 * Sessions that were begun elsewhere, by a process without the database: what it tells of them, in order, is stored as
 * if it had been recorded here.
 *
 * What is told is checked, not believed: an arm that is to be evidence must be the one that the hash of its unit gives
 * at the shares that are named; and a start that was a minute or more on its way is no evidence, because by then how its
 * session went may have decided whether it arrives. An operation that is refused fails alone, and each can be repeated.
 */
import { DEFAULT_WINDOW_MS } from "../../core/decision/policy.js";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import { assertPrivate } from "../configs/privacy.js";
import type { EngineContext } from "../context.js";
import { requireProject } from "../experiments/lookup.js";
import type { SessionStart, StartedSession, Store, StoredExperiment } from "../ports.js";
import { RecentMap } from "../recent-map.js";
import type { ExcludeOperation, Operation, OperationResult, ServedAs, StartOperation } from "./operations.js";
import { armIn, assertAssigned } from "./placement-check.js";
import { isOutside } from "./route.js";
import { checkedSignal, scoreOf } from "./session.js";
import { checkSessionOptions } from "./session-options.js";

/** A start that was so long on its way is no evidence. */
const START_AGE_MAX_MS = 60_000;
/** Projects, experiments and configs remembered, of each; those not used for longest are forgotten first. */
const CAPACITY = 1000;

type Served = Pick<SessionStart, "configId" | "experimentId" | "armId">;

/** An operation that is ready to be queued. */
type Queued = () => Promise<OperationResult>;

/** Takes in what other processes tell of their sessions. */
export class Intake {
  readonly #context: EngineContext;
  // What is remembered never changes: internal ids, and the parts of an experiment that sessions are stored by.
  readonly #projects = new RecentMap<string, number>(CAPACITY);
  readonly #experiments = new RecentMap<string, StoredExperiment>(CAPACITY);
  readonly #configs = new RecentMap<string, number>(CAPACITY);

  constructor(context: EngineContext) {
    this.#context = context;
  }

  /**
   * Stores operations in their order.
   *
   * @param projects keys of the projects that may be written to; null for all. A session of another one is as unknown as
   *   one that does not exist
   * @returns one result an operation, when all are on disk
   * @throws DethroneError `queue_full` where no more can be taken now; nothing is stored then
   */
  async record(
    store: Store,
    operations: readonly Operation[],
    projects: readonly string[] | null,
  ): Promise<OperationResult[]> {
    assertRoom(store);
    const reach = projects === null ? EVERYWHERE : await reachOf(store, operations, projects);
    const ready: Queued[] = [];
    for (const operation of operations) {
      const prepared = this.#prepared(store, operation, reach);
      // Most are at once, and come by the thousand.
      ready.push(prepared instanceof Promise ? await prepared : prepared);
    }
    // Queued in one go: nothing of another process comes between, and a start is before its end.
    return Promise.all(ready.map((queue) => queue().catch(failed)));
  }

  /** Stores one operation; as {@link record}. */
  async recordOne(
    store: Store,
    operation: Operation,
    projects: readonly string[] | null,
  ): Promise<OperationResult> {
    assertRoom(store);
    const reach = projects === null ? EVERYWHERE : await reachOf(store, [operation], projects);
    const prepared = this.#prepared(store, operation, reach);
    const queue = prepared instanceof Promise ? await prepared : prepared;
    return queue().catch(failed);
  }

  /** An operation that is ready to be queued; one that is refused is queued as that. */
  #prepared(store: Store, operation: Operation, reach: Reach): Queued | Promise<Queued> {
    try {
      const prepared = this.#checked(store, operation, reach);
      return prepared instanceof Promise ? prepared.catch(refused) : prepared;
    } catch (error) {
      return refused(error);
    }
  }

  #checked(store: Store, operation: Operation, reach: Reach): Queued | Promise<Queued> {
    if (operation.type === "start") return this.#preparedStart(store, operation, reach);
    const { session: sessionId } = operation;
    if (!reach.includes(sessionId)) throw notFound("session_not_found", "session", sessionId);
    if (operation.type === "exclude") return this.#preparedExclusion(store, operation, reach);
    if (operation.type === "look") return () => this.#found(store, sessionId);
    const atMs = Math.min(operation.atMs, this.#context.clock.now());
    if (operation.type === "end") {
      const score = scoreOf(operation.score ?? undefined);
      return () => store.endSession({ sessionId, score, atMs });
    }
    const { key, name, value, kind, source } = operation;
    const body = checkedSignal({
      key,
      name,
      value,
      ...(kind && { kind }),
      ...(source !== null && { source }),
    });
    assertPrivate(this.#context.guard, "signal", source === null ? { name } : { name, source });
    return () => store.addSignal({ sessionId, key, ...body, atMs });
  }

  async #preparedExclusion(
    store: Store,
    { session: sessionId, served: as }: ExcludeOperation,
    reach: Reach,
  ): Promise<Queued> {
    if (as && !reach.mayStart({ id: sessionId, project: as.project }))
      throw notFound("project_not_found", "project", as.project);
    const placed = as && (await this.#placeOf(store, as));
    const served = placed && { projectId: placed.projectId, ...placed.served };
    return () => store.excludeSession({ sessionId, served }).then(() => ({ status: "excluded" as const }));
  }

  async #preparedStart(store: Store, start: StartOperation, reach: Reach): Promise<Queued> {
    const { id, project, unit, context, root } = start;
    if (!reach.mayStart(start)) throw notFound("project_not_found", "project", project);
    checkSessionOptions({ id, unit: unit ?? undefined, context: context ?? undefined }, this.#context.guard);
    const { projectId, experiment, served } = await this.#placeOf(store, start);
    if (experiment) assertAssigned(experiment, start);
    // As in a process with the database: who stays outside is stored there, unless its unit may have an arm already.
    const isOut = isOutside(start.excluded) && unit === null;
    const placed = isOut ? { ...served, experimentId: null, armId: null } : served;
    const nowMs = this.#context.clock.now();
    const startedAtMs = Math.min(start.atMs, nowMs);
    const isLate = nowMs - startedAtMs > START_AGE_MAX_MS;
    const record: SessionStart = {
      ...{ id, projectId, unit, root, startedAtMs, ...placed },
      shares: experiment ? start.shares : null,
      excluded: isLate && start.excluded === null && experiment !== null ? "unconfirmed" : start.excluded,
      isExclusive: unit !== null && (experiment?.exclusionGroup ?? null) !== null,
      context: context === null ? null : JSON.stringify(context),
      windowEndsAtMs: startedAtMs + (experiment?.policy.windowMs ?? DEFAULT_WINDOW_MS),
      mayExist: true,
    };
    return async () => {
      const stored = await store.startSession(record);
      return stored === null
        ? { status: "spooled" }
        : this.#started(store, { start, record, experiment, stored });
    };
  }

  /** What names stand for. */
  async #placeOf(
    store: Store,
    { project, config, experiment: uid, arm: place }: ServedAs,
  ): Promise<{ projectId: number; experiment: StoredExperiment | null; served: Served }> {
    const projectId = this.#projects.get(project) ?? (await this.#projectId(store, project));
    const experiment = uid === null ? null : await this.#experiment(store, project, uid);
    if (!experiment) {
      const configId = await this.#configId(store, project, projectId, config);
      return { projectId, experiment, served: { experimentId: null, armId: null, configId } };
    }
    const arm = armIn(experiment, place, config);
    const served = { experimentId: experiment.id, armId: arm.id, configId: arm.config.id };
    return { projectId, experiment, served };
  }

  async #projectId(store: Store, key: string): Promise<number> {
    const { id } = await requireProject(store, key);
    this.#projects.set(key, id);
    return id;
  }

  async #experiment(store: Store, project: string, uid: string): Promise<StoredExperiment> {
    const found = this.#experiments.get(uid) ?? (await store.experimentByUid(uid));
    if (!found || found.projectKey !== project || found.startedAtMs === null) {
      throw new DethroneError(
        "experiment_not_found",
        `Project '${project}' has run no experiment '${uid}'.`,
        {
          received: uid,
        },
      );
    }
    this.#experiments.set(uid, found);
    return found;
  }

  async #configId(store: Store, project: string, projectId: number, hash: string): Promise<number> {
    const key = `${projectId} ${hash}`;
    const known = this.#configs.get(key);
    if (known !== undefined) return known;
    const config = (await store.projectConfigs(projectId)).find((each) => each.hash === hash);
    if (config) {
      this.#configs.set(key, config.id);
      return config.id;
    }
    throw new DethroneError("config_not_found", `Project '${project}' has no config '${hash}'.`, {
      received: hash,
    });
  }

  async #found(store: Store, id: string): Promise<OperationResult> {
    const stored = await store.findSession(id);
    const project = (await store.browse.projectsOf([id])).get(id);
    if (!stored || project === undefined) throw notFound("session_not_found", "session", id);
    const config = await store.configById(stored.configId);
    if (!config) throw notFound("config_not_found", "config", String(stored.configId));
    const { unit, root, excluded, experimentUid: experiment, arm } = stored;
    return {
      status: "existing",
      session: {
        ...{ id, project, unit, root, isNew: false, experiment, arm, excluded },
        config: { hash: config.hash, body: config.body },
      },
    };
  }

  async #started(
    store: Store,
    {
      start,
      record,
      experiment,
      stored,
    }: {
      readonly start: StartOperation;
      readonly record: SessionStart;
      readonly experiment: StoredExperiment | null;
      readonly stored: StartedSession;
    },
  ): Promise<OperationResult> {
    if (stored.projectId !== record.projectId) {
      throw new DethroneError(
        "idempotency_mismatch",
        `The session id '${start.id}' is taken. Use an id of its own for each session.`,
        {
          received: start.id,
        },
      );
    }
    const isOfThis = experiment !== null && stored.experimentId === experiment.id;
    const place = isOfThis ? experiment.arms.findIndex(({ id }) => id === stored.armId) : stored.arm;
    const config = stored.configId === record.configId ? null : await store.configById(stored.configId);
    return {
      status: stored.isNew ? "started" : "existing",
      session: {
        ...{
          id: start.id,
          project: start.project,
          unit: stored.unit,
          root: stored.root,
          isNew: stored.isNew,
        },
        experiment: isOfThis ? experiment.uid : stored.experimentUid,
        arm: stored.armId === null ? null : place,
        excluded: stored.excluded,
        config: { hash: config?.hash ?? start.config, body: config?.body ?? null },
      },
    };
  }
}

/** What a caller may write to. */
interface Reach {
  mayStart(start: Pick<StartOperation, "id" | "project">): boolean;
  includes(session: string): boolean;
}

const EVERYWHERE: Reach = { mayStart: () => true, includes: () => true };

/** What a caller may write to, whose projects are listed: the sessions of these, and those that begin here in one of them. */
async function reachOf(
  store: Store,
  operations: readonly Operation[],
  projects: readonly string[],
): Promise<Reach> {
  const ids = operations.map((operation) => (operation.type === "start" ? operation.id : operation.session));
  const owners = new Map(await store.browse.projectsOf([...new Set(ids)]));
  for (const operation of operations) {
    if (operation.type === "start" && !owners.has(operation.id)) owners.set(operation.id, operation.project);
  }
  return {
    mayStart: ({ id, project }) => projects.includes(project) && owners.get(id) === project,
    includes: (session) => projects.includes(owners.get(session) ?? ""),
  };
}

function notFound(
  code: "project_not_found" | "session_not_found" | "config_not_found",
  what: string,
  id: string,
): DethroneError {
  return new DethroneError(code, `There is no ${what} '${id}'.`, { received: id });
}

function assertRoom(store: Store): void {
  if (!store.hasRoom())
    throw new DethroneError("queue_full", "Too many rows wait to be written; try again in a moment.");
}

/** What becomes of an operation that is refused. @throws what nobody has foreseen */
function failed(error: unknown): OperationResult {
  if (isDethroneError(error)) return { status: "failed", error };
  throw error;
}

function refused(error: unknown): Queued {
  const result = failed(error);
  return async () => result;
}
