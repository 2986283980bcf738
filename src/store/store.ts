/**
 * The repository over libSQL: reads by Drizzle, writes by the one writer.
 */
import { DethroneError } from "../core/errors.js";
import type {
  EndReceipt,
  ProjectState,
  SessionEnd,
  SessionSignal,
  SessionStart,
  SignalReceipt,
  SpoolState,
  StartedSession,
  Store,
  StoreEvents,
} from "../engine/ports.js";
import type { Aside } from "./aside/aside.js";
import * as changes from "./changes/experiment-changes.js";
import * as leaseChanges from "./changes/lease-changes.js";
import * as projectChanges from "./changes/project-changes.js";
import * as sessionChanges from "./changes/session-changes.js";
import type { OpenDatabase } from "./database.js";
import type { Location } from "./location.js";
import { openDatabase } from "./open-database.js";
import { SqlAccess } from "./parts/access.js";
import { SqlBrowse } from "./parts/browse.js";
import { SqlEvaluations } from "./parts/evaluations.js";
import { SqlStudies } from "./parts/studies.js";
import { SqlTransfer } from "./parts/transfer.js";
import { SqlUpkeep } from "./parts/upkeep.js";
import { SqlWebhooks } from "./parts/webhooks.js";
import { SqlReads } from "./reads/reads.js";
import { DurableWriter } from "./spool/durable-writer.js";
import type { Spool } from "./spool/spool.js";
import { Names } from "./spool/spool-entries.js";
import { startedAs } from "./writer/session-writes.js";
import type { Durability, Outcome, WriteOperation, WriteStatement } from "./writer/write-protocol.js";

/** Rows waiting to be written at which new sessions, and then signals, are turned away. */
const QUEUE_CAPACITY = 20_000;

/** How a store is opened. */
export interface StoreOptions {
  /** reject a database that is not there, instead of creating it */
  readonly mustExist: boolean;
  /** where what sessions record is kept while the database is away; default: nowhere, it fails */
  readonly spool?: Spool | undefined;
  readonly durability?: Durability | undefined;
  /** see `WriterOptions` */
  readonly patienceMs?: number | undefined;
  /** see `StoreEvents` */
  readonly onTrouble?: StoreEvents["onTrouble"] | undefined;
  /** see `StoreEvents` */
  readonly onChange?: StoreEvents["onChange"] | undefined;
}

/** Opens a store over a database, wherever it lies. */
export async function openSqlStore(location: Location, options: StoreOptions): Promise<Store> {
  const { mustExist, spool, onTrouble = () => undefined, ...more } = options;
  let durable: DurableWriter | undefined;
  const rescue = (operation: WriteOperation, error: DethroneError): Promise<Outcome> | null =>
    durable?.rescue(operation, error) ?? null;
  const settings = { ...more, mustExist, rescue, capacity: QUEUE_CAPACITY };
  const database = await openDatabase(location, settings);
  const names = new Names();
  if (spool) durable = new DurableWriter({ writer: database.writer, spool, names, onTrouble });
  spool?.retain();
  return new SqlStore({ database, names, durable, spool });
}

const NO_SPOOL: SpoolState = { rows: 0, bytes: 0, isDraining: false, lost: 0 };

interface SqlStoreSettings {
  readonly database: OpenDatabase;
  readonly names: Names;
  readonly durable: DurableWriter | undefined;
  readonly spool: Spool | undefined;
}

class SqlStore extends SqlReads implements Store {
  readonly upkeep: SqlUpkeep;
  readonly browse: SqlBrowse;
  readonly access: SqlAccess;
  readonly evaluations: SqlEvaluations;
  /** where people's pages are read: a thread of its own, for a page must not wait for a copy of the database */
  readonly #pages: Aside;
  readonly webhooks: SqlWebhooks;
  readonly studies: SqlStudies;
  readonly transfer: SqlTransfer;
  readonly #database: OpenDatabase;
  readonly #names: Names;
  readonly #durable: DurableWriter | undefined;
  readonly #spool: Spool | undefined;
  /** who writes what sessions record */
  readonly #recorder: Pick<DurableWriter, "write" | "hasRoom">;

  constructor({ database, names, durable, spool }: SqlStoreSettings) {
    super(database);
    this.#database = database;
    this.#names = names;
    this.#durable = durable;
    this.#spool = spool;
    this.#recorder = durable ?? database.writer;
    const transact = (statements: readonly WriteStatement[]): Promise<boolean> => this.#transact(statements);
    this.upkeep = new SqlUpkeep({ database, transact });
    this.#pages = database.aside({ mayLag: true });
    this.browse = new SqlBrowse(this.#pages, database, () => this.occupants());
    this.evaluations = new SqlEvaluations({ database, aside: this.#pages, transact });
    this.access = new SqlAccess(database, transact);
    this.webhooks = new SqlWebhooks(database, transact);
    this.studies = new SqlStudies(database, transact);
    this.transfer = new SqlTransfer(database, transact);
  }

  override async projectState(key: string): Promise<ProjectState | null> {
    const state = await super.projectState(key);
    if (state) this.#names.learn(state);
    return state;
  }

  // The three that agents call by the thousand make as few promises as they can.

  startSession(start: SessionStart): Promise<StartedSession | null> {
    if (!this.hasRoom()) return Promise.reject(queueFull("session"));
    return this.#recorder.write({ kind: "start", start }).then((outcome) => {
      if (outcome.status === "recorded") return startedAs(start, start);
      if (outcome.status === "spooled") return null;
      if (outcome.status !== "started") throw unexpected(outcome);
      return outcome.session;
    });
  }

  async findSession(sessionId: string): Promise<StartedSession | null> {
    const outcome = await this.#recorder.write({ kind: "find", sessionId });
    if (outcome.status === "unknown-session") return null;
    if (outcome.status !== "started") throw unexpected(outcome);
    return outcome.session;
  }

  endSession(end: SessionEnd): Promise<EndReceipt> {
    return this.#recorder
      .write({ kind: "end", end })
      .then((outcome) => receipt(outcome, end.sessionId, "end"));
  }

  addSignal(signal: SessionSignal): Promise<SignalReceipt> {
    if (this.#database.writer.length >= 2 * QUEUE_CAPACITY) return Promise.reject(queueFull("signal"));
    return this.#recorder
      .write({ kind: "signal", signal })
      .then((outcome) => receipt(outcome, signal.sessionId, `signal '${signal.name}'`));
  }

  async excludeSession(input: Parameters<Store["excludeSession"]>[0]): Promise<void> {
    const { sessionId, served } = input;
    const names = served && this.#names.served(served);
    const statements = sessionChanges.excludeSession(input);
    const spooledAs = { kind: "exclude", sessionId, names } as const;
    const outcome = await this.#recorder.write({ kind: "statements", statements, spooledAs });
    if (outcome.status === "failed") throw refused("row", outcome.message);
  }

  async flush(): Promise<void> {
    await this.#database.writer.flush();
    await this.#spool?.flush();
  }

  async close(): Promise<void> {
    await this.upkeep.close();
    await this.#pages.close();
    await this.#database.close();
    await this.#spool?.release();
  }

  async recover(): Promise<number> {
    return this.#durable?.recover() ?? 0;
  }

  isSpooling(): boolean {
    return this.#durable?.isSpooling ?? false;
  }

  spool(): SpoolState {
    const [spool, durable] = [this.#spool, this.#durable];
    if (!spool || !durable) return NO_SPOOL;
    const { isRecovering, lostCount } = durable;
    return { rows: spool.rows, bytes: spool.bytes, isDraining: isRecovering, lost: lostCount };
  }

  queueLength(): number {
    return this.#database.writer.length;
  }

  isAlive(): boolean {
    return this.#database.writer.isAlive;
  }

  hasRoom(): boolean {
    return this.#recorder.hasRoom();
  }

  async createProject(input: Parameters<Store["createProject"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.createProject(input));
  }

  setHoldout(input: Parameters<Store["setHoldout"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.setHoldout(input));
  }

  setBudget(input: Parameters<Store["setBudget"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.setBudget(input));
  }

  orderQueue(input: Parameters<Store["orderQueue"]>[0]): Promise<boolean> {
    return this.#transact(projectChanges.orderQueue(input));
  }

  async addProjectConfig(input: Parameters<Store["addProjectConfig"]>[0]): Promise<void> {
    await this.#transact(projectChanges.addConfigOf(input));
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
    if (settled.length > 0)
      await this.#transact(sessionChanges.settleSessions(settled, this.#database.giveRows));
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
  if (outcome.status === "recorded" || outcome.status === "duplicate") return { status: outcome.status };
  if (outcome.status === "late" || outcome.status === "spooled") return { status: outcome.status };
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
  if (outcome.status === "failed") return refused("row", outcome.message);
  return new DethroneError("invariant_violated", `The database writer answered '${outcome.status}'.`);
}
