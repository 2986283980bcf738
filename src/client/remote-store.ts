/**
 * The store of a client: what sessions record goes to the server, in order, through an {@link Outbox}.
 *
 * While the server is away what is recorded waits in memory. Sessions that start meanwhile are told as no evidence, as a
 * process with the database does: a unit's stored arm is unknown then, and what a lost process has told nobody must not
 * have been evidence only because it went well.
 */
import { DethroneError, isDethroneError, type JsonObject } from "../core/errors.js";
import type {
  EndReceipt,
  SessionEnd,
  SessionSignal,
  SessionStart,
  SessionStore,
  SignalReceipt,
  SpoolState,
  StartedSession,
  StoredConfig,
} from "../engine/ports.js";
import type { PlacedSession, ServedAs, StartOperation } from "../engine/sessions/operations.js";
import { type ProjectSnapshot, servedState } from "../engine/sessions/snapshot.js";
import { armName, Names, placeIn } from "./names.js";
import type { Accepted, Outbox } from "./outbox.js";

/** What the client's engine reads and records. */
export class RemoteStore implements SessionStore {
  readonly #outbox: Outbox;
  readonly #names = new Names();
  /** bodies of configs that sessions were answered with, by their hash */
  readonly #bodies = new Map<string, JsonObject>();
  #lost = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** What sessions are begun by, out of a snapshot. */
  stateOf(snapshot: ProjectSnapshot) {
    return servedState(snapshot, this.#names.idOf);
  }

  async startSession(start: SessionStart): Promise<StartedSession | null> {
    const isAway = this.isSpooling();
    const operation = this.#startOperation(start, isAway);
    const answer = this.#outbox.add(operation);
    if (isAway) {
      this.#countLost(answer);
      return null;
    }
    try {
      const accepted = await answer;
      if (!("session" in accepted)) return null;
      const started = this.#started(accepted.session);
      // Told twice, because an answer was lost, it is there already; but its id was made here, so nobody else's.
      return start.mayExist ? started : { ...started, isNew: true };
    } catch (error) {
      // The id is that of another project's session: the router says so to the host.
      if (isDethroneError(error) && error.code === "idempotency_mismatch") return elsewhere(start);
      throw error;
    }
  }

  #startOperation(start: SessionStart, isAway: boolean): StartOperation {
    const { id, unit, shares, root, context, excluded, startedAtMs: atMs } = start;
    const isUnconfirmed = isAway && excluded === null && start.experimentId !== null;
    return {
      ...{ type: "start", id, unit, shares, root, atMs },
      ...this.#servedAs(start),
      excluded: (isUnconfirmed ? "unconfirmed" : excluded) as StartOperation["excluded"],
      context: context === null ? null : (JSON.parse(context) as JsonObject),
    };
  }

  #servedAs({
    projectId,
    configId,
    experimentId,
    armId,
  }: Pick<SessionStart, "projectId" | "configId" | "experimentId" | "armId">): ServedAs {
    return {
      project: this.#names.nameOf(projectId),
      config: this.#names.nameOf(configId),
      experiment: experimentId === null ? null : this.#names.nameOf(experimentId),
      arm: armId === null ? null : placeIn(this.#names.nameOf(armId)),
    };
  }

  #started({ config, project, experiment, arm, ...session }: PlacedSession): StartedSession {
    const { idOf } = this.#names;
    const { hash, body } = config;
    if (body) this.#keep(hash, body);
    return {
      ...session,
      arm,
      experimentUid: experiment,
      projectId: idOf("project", project),
      configId: idOf("config", hash),
      experimentId: experiment === null ? null : idOf("experiment", experiment),
      armId: experiment === null || arm === null ? null : idOf("arm", armName(experiment, arm)),
    };
  }

  #keep(hash: string, body: JsonObject): void {
    this.#bodies.delete(hash);
    this.#bodies.set(hash, body);
    if (this.#bodies.size > BODIES_MAX) this.#bodies.delete(this.#bodies.keys().next().value as string);
  }

  async findSession(id: string): Promise<StartedSession | null> {
    try {
      const found = await this.#outbox.add({ type: "look", session: id });
      return "session" in found ? this.#started(found.session) : null;
    } catch (error) {
      if (isDethroneError(error) && error.code === "session_not_found") return null;
      throw error;
    }
  }

  async endSession({ sessionId: session, score, atMs }: SessionEnd): Promise<EndReceipt> {
    return receiptOf(await this.#outbox.add({ type: "end", session, score, atMs }));
  }

  async addSignal({ sessionId: session, ...signal }: SessionSignal): Promise<SignalReceipt> {
    return receiptOf(await this.#outbox.add({ type: "signal", session, ...signal }));
  }

  async excludeSession({ sessionId, served }: Parameters<SessionStore["excludeSession"]>[0]): Promise<void> {
    const as = served && this.#servedAs(served);
    await this.#outbox.add({ type: "exclude", session: sessionId, served: as });
  }

  flush(): Promise<void> {
    return this.#outbox.flush();
  }

  close(): Promise<void> {
    return this.#outbox.close();
  }

  queueLength(): number {
    return this.#outbox.length;
  }

  hasRoom(): boolean {
    return this.#outbox.hasRoom();
  }

  isSpooling(): boolean {
    return this.#outbox.failure !== null;
  }

  isAlive(): boolean {
    return true;
  }

  /** Rejects while the server is away; what waits is sent by the outbox itself. */
  async recover(): Promise<number> {
    if (this.#outbox.failure) throw this.#outbox.failure;
    return 0;
  }

  spool(): SpoolState {
    const isAway = this.isSpooling();
    const rows = isAway ? this.#outbox.length : 0;
    return { rows, bytes: isAway ? this.#outbox.size : 0, isDraining: false, lost: this.#lost };
  }

  async configById(id: number): Promise<StoredConfig | null> {
    const hash = this.#names.nameOf(id);
    const body = this.#bodies.get(hash);
    return body ? { id, hash, body } : null;
  }

  #countLost(answer: Promise<unknown>): void {
    answer.catch(() => {
      this.#lost += 1;
    });
  }
}

/** Configs remembered besides those of the projects' snapshots. */
const BODIES_MAX = 64;

function receiptOf(accepted: Accepted): EndReceipt {
  if ("session" in accepted || accepted.status === "excluded")
    throw new DethroneError("invariant_violated", "The server's answer is one to another question.");
  return { status: accepted.status };
}

function elsewhere({ id, configId, unit, root }: SessionStart): StartedSession {
  return {
    ...{ id, configId, unit, root, projectId: -1, experimentId: null, armId: null, excluded: null },
    ...{ isNew: false, arm: null, experimentUid: null },
  };
}
