/**
 * The repository over libSQL: reads by Drizzle, writes by the one writer.
 */
import { DethroneError } from "../core/errors.js";
import type {
  EndReceipt,
  SessionEnd,
  SessionSignal,
  SessionStart,
  SignalReceipt,
  StartedSession,
  Store,
} from "../engine/ports.js";
import * as changes from "./changes.js";
import { type Location, OpenDatabase } from "./database.js";
import * as leaseChanges from "./lease-changes.js";
import { LibsqlUpkeep } from "./libsql-upkeep.js";
import * as projectChanges from "./project-changes.js";
import { LibsqlReads } from "./reads.js";
import * as sessionChanges from "./session-changes.js";
import type { Outcome, WriteOperation, WriteStatement } from "./write-protocol.js";

/** Rows waiting to be written at which new sessions, and then signals, are turned away. */
const QUEUE_CAPACITY = 20_000;

/** Opens a store over a libSQL file. */
export async function openLibsqlStore(location: Location, options: { mustExist: boolean }): Promise<Store> {
  const database = await OpenDatabase.open(location, { ...options, queueCapacity: QUEUE_CAPACITY });
  return new LibsqlStore(database);
}

class LibsqlStore extends LibsqlReads implements Store {
  readonly upkeep: LibsqlUpkeep;
  readonly #database: OpenDatabase;

  constructor(database: OpenDatabase) {
    super(database);
    this.#database = database;
    this.upkeep = new LibsqlUpkeep({
      database,
      transact: (statements) => this.#transact(statements),
    });
  }

  async startSession(start: SessionStart): Promise<StartedSession> {
    if (!this.hasRoom()) throw queueFull("session");
    const outcome = await this.#write({ kind: "start", start });
    if (outcome.status !== "started") throw unexpected(outcome);
    return outcome.session;
  }

  async findSession(sessionId: string): Promise<StartedSession | null> {
    const outcome = await this.#write({ kind: "find", sessionId });
    if (outcome.status === "unknown-session") return null;
    if (outcome.status !== "started") throw unexpected(outcome);
    return outcome.session;
  }

  async endSession(end: SessionEnd): Promise<EndReceipt> {
    const outcome = await this.#write({ kind: "end", end });
    return receipt(outcome, end.sessionId, "end");
  }

  async addSignal(signal: SessionSignal): Promise<SignalReceipt> {
    if (this.#database.writer.length >= 2 * QUEUE_CAPACITY) throw queueFull("signal");
    const outcome = await this.#write({ kind: "signal", signal });
    return receipt(outcome, signal.sessionId, `signal '${signal.name}'`);
  }

  async excludeSession(input: Parameters<Store["excludeSession"]>[0]): Promise<void> {
    await this.#transact(sessionChanges.excludeSession(input));
  }

  flush(): Promise<void> {
    return this.#database.writer.flush();
  }

  async close(): Promise<void> {
    await this.upkeep.close();
    await this.#database.close();
  }

  queueLength(): number {
    return this.#database.writer.length;
  }

  isAlive(): boolean {
    return this.#database.writer.isAlive;
  }

  hasRoom(): boolean {
    return this.#database.writer.hasRoom();
  }

  async createProject(input: Parameters<Store["createProject"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.createProject(input));
  }

  setHoldout(input: Parameters<Store["setHoldout"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.setHoldout(input));
  }

  labelConfig(input: Parameters<Store["labelConfig"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.labelConfig(input));
  }

  addExperiment(...[experiment, sinceId]: Parameters<Store["addExperiment"]>): Promise<boolean> {
    return this.#transact(changes.addNewExperiment(experiment, sinceId));
  }

  replaceDraft(input: Parameters<Store["replaceDraft"]>[0]): Promise<boolean> {
    return this.#transact(changes.replaceDraft(input));
  }

  describeExperiment(input: Parameters<Store["describeExperiment"]>[0]): Promise<boolean> {
    return this.#transact(changes.describeExperiment(input));
  }

  archiveExperiment(input: Parameters<Store["archiveExperiment"]>[0]): Promise<boolean> {
    return this.#transact(changes.archiveExperiment(input));
  }

  setOverride(input: Parameters<Store["setOverride"]>[0]): Promise<boolean> {
    return this.#transact(changes.setOverride(input));
  }

  async changeExperiment(change: Parameters<Store["changeExperiment"]>[0]): Promise<boolean> {
    return this.#transact(changes.changeExperiment(change));
  }

  async changeChampion(input: Parameters<Store["changeChampion"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.changeChampion(input));
  }

  takeLease(input: Parameters<Store["takeLease"]>[0]): Promise<boolean> {
    return this.#transact(leaseChanges.takeLease(input));
  }

  async releaseLease(input: Parameters<Store["releaseLease"]>[0]): Promise<void> {
    await this.#transact(leaseChanges.releaseLease(input));
  }

  async settleSessions(settled: Parameters<Store["settleSessions"]>[0]): Promise<void> {
    if (settled.length > 0) await this.#transact(sessionChanges.settleSessions(settled));
  }

  async #write(operation: WriteOperation): Promise<Outcome> {
    const outcome = await this.#database.writer.write(operation);
    if (outcome.status === "failed") throw refused("row", outcome.message);
    return outcome;
  }

  /** Runs statements in one transaction; false where another process was faster. */
  async #transact(statements: readonly WriteStatement[]): Promise<boolean> {
    const outcome = await this.#database.writer.write({ kind: "statements", statements });
    if (outcome.status === "recorded") return true;
    // A unique index that refuses (occupied slot, second terminal decision, taken key) is a lost race too.
    if (outcome.status === "conflict") return false;
    if (outcome.status === "failed" && outcome.message.includes("UNIQUE")) return false;
    throw outcome.status === "failed" ? refused("change", outcome.message) : unexpected(outcome);
  }
}

function receipt(outcome: Outcome, sessionId: string, what: string): EndReceipt & SignalReceipt {
  if (outcome.status === "unknown-session") {
    throw new DethroneError("session_not_found", `There is no session '${sessionId}'.`, {
      received: sessionId,
    });
  }
  if (outcome.status === "mismatch") {
    throw new DethroneError(
      "idempotency_mismatch",
      `The ${what} of session '${sessionId}' was recorded before with another body. Use another key for a new observation.`,
      { sessionId, stored: outcome.stored, received: outcome.received },
    );
  }
  if (outcome.status === "recorded" || outcome.status === "duplicate" || outcome.status === "late") {
    return { status: outcome.status };
  }
  throw unexpected(outcome);
}

function queueFull(what: string): DethroneError {
  return new DethroneError(
    "queue_full",
    `The ${what} was dropped: ${QUEUE_CAPACITY} rows wait to be written. The database is slow or away.`,
    { capacity: QUEUE_CAPACITY },
  );
}

function refused(what: string, message: string): DethroneError {
  return new DethroneError("stored_data_invalid", `The database refused a ${what}: ${message}.`);
}

function unexpected(outcome: Outcome): DethroneError {
  return new DethroneError("invariant_violated", `The database writer answered '${outcome.status}'.`);
}
