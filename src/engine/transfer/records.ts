/**
 * What is stored, one record a line, as people and other programs want it: ids and keys of the edge instead of internal
 * ones, oldest first.
 */
import { DethroneError, type Json, type JsonObject, received } from "../../core/errors.js";
import { requireProject } from "../experiments/lookup.js";
import type { Store, TransferSnapshot, TransferStore, TransferTable } from "../ports.js";
import { sourceOf } from "./source.js";

/** The fields of each kind of record, in their order. */
export const RECORD_FIELDS = {
  sessions: [
    ...["id", "project", "experiment", "arm", "unit", "root", "isEvidence", "excluded", "startedAtMs"],
    ...["windowEndsAtMs", "endedAtMs", "settledAtMs", "score", "isMissing", "isAbandoned", "signalCount"],
    ...["context", "configHash", "config"],
  ],
  signals: ["session", "project", "key", "name", "value", "kind", "source", "acceptedAtMs", "isLate"],
  experiments: [
    ...[
      "id",
      "project",
      "status",
      "kind",
      "hypothesis",
      "description",
      "owner",
      "tags",
      "again",
      "promotion",
    ],
    ...["arms", "policy", "createdAtMs", "startedAtMs", "endedAtMs", "archivedAtMs"],
  ],
  decisions: [
    ...["id", "project", "experiment", "isTerminal", "verdict", "reason", "sessionCount", "arm", "actor"],
    ...["note", "engineVersion", "decidedAtMs", "evaluation"],
  ],
  history: ["id", "project", "experiment", "action", "actor", "reason", "details", "atMs"],
} as const satisfies Record<string, readonly string[]>;

/** Which records. */
export type RecordKind = keyof typeof RECORD_FIELDS;

/** Which records are exported. */
export interface RecordsOptions {
  readonly what: RecordKind;
  /** key of the project; default: all */
  readonly project?: string | undefined;
}

/** A row by the names of its columns in camel case, as they are called everywhere but in the database. */
type Row = Readonly<Record<string, Json>>;

const camelCase = (name: string): string =>
  name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function objectOf({ columns }: TransferTable, row: readonly Json[]): Row {
  return Object.fromEntries(columns.map(({ name }, i) => [camelCase(name), row[i] as Json]));
}

/** What internal ids stand for. */
class Names {
  readonly #store: TransferStore;
  readonly #snapshot: TransferSnapshot;
  readonly #tables = new Map<string, ReadonlyMap<Json, Row>>();

  constructor(store: TransferStore, snapshot: TransferSnapshot) {
    this.#store = store;
    this.#snapshot = snapshot;
  }

  table(name: string): TransferTable {
    return this.#store.tables.find((table) => table.name === name) as TransferTable;
  }

  /** The rows of a table, a page at a time. */
  async *pages(name: string): AsyncGenerator<readonly Row[]> {
    const table = this.table(name);
    const source = await sourceOf(this.#snapshot, [table]);
    for await (const { rows } of source.pages(new Map())) yield rows.map((row) => objectOf(table, row));
  }

  /** The rows of a small table by their ids. */
  async all(name: string): Promise<ReadonlyMap<Json, Row>> {
    const known = this.#tables.get(name);
    if (known) return known;
    const rows = new Map<Json, Row>();
    for await (const page of this.pages(name)) for (const row of page) rows.set(row.id ?? null, row);
    this.#tables.set(name, rows);
    return rows;
  }

  async field(name: string, id: Json | undefined, field: string): Promise<Json> {
    return id === null || id === undefined ? null : ((await this.all(name)).get(id)?.[field] ?? null);
  }

  /** The signals of sessions, by these and then in the order of their acceptance. */
  async signals(sessions: readonly Row[]): Promise<readonly Row[]> {
    const table = this.table("signals");
    const seqs = sessions.map(({ seq }) => seq as Json);
    const rows = await this.#snapshot.rowsOf(table, "session_seq", seqs);
    const signals = rows.map((row) => objectOf(table, row));
    return signals.sort((a, b) => Number(a.sessionSeq) - Number(b.sessionSeq) || Number(a.id) - Number(b.id));
  }
}

/** A record, made of the row and of what it refers to; the names of its fields are those of {@link RECORD_FIELDS}. */
type Describe = (names: Names, row: Row) => Promise<Row>;

const place = async (names: Names, { projectId, experimentId }: Row): Promise<Row> => ({
  project: await names.field("projects", projectId, "key"),
  experiment: await names.field("experiments", experimentId, "uid"),
});

const describeSession: Describe = async (names, row) => ({
  ...row,
  ...(await place(names, row)),
  arm: await names.field("arms", row.armId, "position"),
  root: row.rootId ?? null,
  configHash: await names.field("configs", row.configId, "hash"),
  config: await names.field("configs", row.configId, "body"),
});

const describeExperiment: Describe = async (names, row) => {
  const arms = [...(await names.all("arms")).values()].filter(({ experimentId }) => experimentId === row.id);
  const described = arms.map(async ({ role, bucketCount, configId, out }) => ({
    role: role ?? null,
    config: await names.field("configs", configId, "hash"),
    share: Number(bucketCount) / 10_000,
    out: out ?? null,
  }));
  return { ...row, ...(await place(names, row)), id: row.uid ?? null, arms: await Promise.all(described) };
};

const describeDecision: Describe = async (names, row) => {
  const projectId = await names.field("experiments", row.experimentId, "projectId");
  return { ...row, ...(await place(names, { ...row, projectId })), id: row.uid ?? null };
};

const describeEntry: Describe = async (names, row) => ({ ...row, ...(await place(names, row)) });

const SOURCES: Record<Exclude<RecordKind, "signals">, readonly [table: string, describe: Describe]> = {
  sessions: ["sessions", describeSession],
  experiments: ["experiments", describeExperiment],
  decisions: ["decisions", describeDecision],
  history: ["audit_log", describeEntry],
};

async function* records(names: Names, { what, project }: RecordsOptions): AsyncGenerator<Row> {
  const [table, describe] = SOURCES[what === "signals" ? "sessions" : what];
  for await (const rows of names.pages(table)) {
    const described: Row[] = [];
    for (const row of rows) described.push(await describe(names, row));
    const ofProject = described.filter((row) => project === undefined || row.project === project);
    if (what === "signals") yield* await signalsOf(names, ofProject);
    else yield* ofProject;
  }
}

async function signalsOf(names: Names, sessions: readonly Row[]): Promise<readonly Row[]> {
  const bySeq = new Map(sessions.map((session) => [session.seq, session]));
  return (await names.signals(sessions)).map((signal) => {
    const { id = null, project = null } = bySeq.get(signal.sessionSeq) ?? {};
    return { ...signal, session: id, project };
  });
}

/**
 * Records of one kind as they are stored now, oldest first.
 *
 * @throws DethroneError `input_invalid`, `project_not_found`
 */
export async function* exportRecords(store: Store, options: RecordsOptions): AsyncGenerator<JsonObject> {
  const { what, project } = options;
  if (!Object.hasOwn(RECORD_FIELDS, what)) {
    const allowed = Object.keys(RECORD_FIELDS);
    throw new DethroneError(
      "input_invalid",
      `There are no records '${what}'; there are ${allowed.join(", ")}.`,
      {
        received: received(what),
        allowed,
      },
    );
  }
  if (project !== undefined) await requireProject(store, project);
  const snapshot = await store.transfer.snapshot();
  try {
    for await (const row of records(new Names(store.transfer, snapshot), options))
      yield Object.fromEntries(RECORD_FIELDS[what].map((field) => [field, row[field] ?? null]));
  } finally {
    await snapshot.close();
  }
}
