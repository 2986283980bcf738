/**
 * Whole databases out of a database and into it. Reading goes aside and sees one moment, which neither waits for writers
 * nor holds them up; writing goes through the one writer.
 */
import type { Json } from "../../core/errors.js";
import type { TransferRow, TransferSnapshot, TransferStore, TransferTable } from "../../engine/ports.js";
import type { Aside, Tuple } from "../aside/aside.js";
import type { OpenDatabase } from "../database.js";
import type { Transact, WriteStatement } from "../writer/write-protocol.js";
import { placeOf, rowOf, type StoredTable, selected, TABLES, valuesOf } from "./transfer-tables.js";

/** Values that one statement may have. */
const VALUES_MAX = 30_000;

const stored = ({ name }: TransferTable): StoredTable =>
  TABLES.find((table) => table.name === name) as StoredTable;

const keyColumns = ({ key, columns }: TransferTable): string =>
  key.map((place) => `"${columns[place]?.name}"`).join(", ");

/** See `TransferSnapshot`. */
class SqlTransferSnapshot implements TransferSnapshot {
  readonly #aside: Aside;

  constructor(aside: Aside) {
    this.#aside = aside;
  }

  async count({ name }: TransferTable): Promise<number> {
    return (await this.#aside.one<{ n: number }>(`SELECT count(*) AS n FROM "${name}"`)).n;
  }

  async rows(table: TransferTable, after: TransferRow | null, limit: number): Promise<TransferRow[]> {
    const key = keyColumns(table);
    const values = after === null ? [] : table.key.map((place) => after[place] as string | number);
    const where = after === null ? "" : ` WHERE (${key}) > (${values.map(() => "?").join(", ")})`;
    return this.#select(table, `${where} ORDER BY ${key} LIMIT ?`, [...values, limit]);
  }

  rowsOf(table: TransferTable, column: string, values: readonly Json[]): Promise<TransferRow[]> {
    const where = ` WHERE "${column}" IN (${values.map(() => "?").join(", ")}) ORDER BY ${keyColumns(table)}`;
    return this.#select(table, where, values as Tuple);
  }

  async #select(table: TransferTable, rest: string, params: Tuple): Promise<TransferRow[]> {
    const known = stored(table);
    const sql = `SELECT ${selected(known)} FROM "${table.name}"${rest}`;
    const rows = await this.#aside.all<Record<string, Tuple[number]>>(sql, params);
    return rows.map((row) =>
      rowOf(
        known,
        table.columns.map(({ name }) => row[name] ?? null),
      ),
    );
  }

  async sequences(): Promise<Readonly<Record<string, number>>> {
    const rows = await this.#aside.all<{ name: string; seq: number }>(
      "SELECT name, seq FROM sqlite_sequence WHERE seq > 0 ORDER BY name",
    );
    return Object.fromEntries(rows.map(({ name, seq }) => [name, seq]));
  }

  close(): Promise<void> {
    return this.#aside.close();
  }
}

/** See `TransferStore`. */
export class SqlTransfer implements TransferStore {
  readonly tables: readonly TransferTable[] = TABLES;
  readonly #database: OpenDatabase;
  readonly #transact: Transact;

  constructor(database: OpenDatabase, transact: Transact) {
    this.#database = database;
    this.#transact = transact;
  }

  async snapshot(): Promise<TransferSnapshot> {
    return new SqlTransferSnapshot(await this.#database.snapshot());
  }

  async write(table: TransferTable, rows: readonly TransferRow[]): Promise<void> {
    const known = stored(table);
    const size = Math.max(1, Math.floor(VALUES_MAX / table.columns.length));
    const statements: WriteStatement[] = [];
    for (let i = 0; i < rows.length; i += size) statements.push(insert(known, rows.slice(i, i + size)));
    await this.#transact(statements);
  }

  async raiseSequences(sequences: Readonly<Record<string, number>>): Promise<void> {
    await this.#transact(
      TABLES.flatMap((table) => this.#database.raiseSequence(table, sequences[table.name] ?? 0)),
    );
  }
}

function insert(table: StoredTable, rows: readonly TransferRow[]): WriteStatement {
  const names = table.columns.map(({ name }) => `"${name}"`).join(", ");
  const places = `(${table.holds.map(placeOf).join(", ")})`;
  return {
    sql: `INSERT INTO "${table.name}" (${names}) VALUES ${rows.map(() => places).join(", ")} ON CONFLICT DO NOTHING`,
    params: rows.flatMap((row) => valuesOf(table, row)),
  };
}
