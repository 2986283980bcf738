/**
 * Whole databases on their way elsewhere: what an export and a copy ask of a store. Rows are JSON, so that they are the
 * same whatever engine they come from: booleans are booleans, what is stored as JSON is JSON, bytes are hexadecimal
 * digits.
 */
import type { Json } from "../core/errors.js";

/** A row, in the order of its table's columns. */
export type TransferRow = readonly Json[];

/** A column of a table. */
export interface TransferColumn {
  readonly name: string;
  /** what a row has that was exported before there was the column; undefined where it must have it */
  readonly fallback: Json | undefined;
}

/** A table, by the names of the schema. */
export interface TransferTable {
  readonly name: string;
  readonly columns: readonly TransferColumn[];
  /** places of the columns of its primary key */
  readonly key: readonly number[];
}

/** A database as it was at one instant, whatever is written meanwhile; until it is closed. */
export interface TransferSnapshot {
  count(table: TransferTable): Promise<number>;
  /** Rows after one, in the order of the key (texts by their bytes); from the first where it is null. */
  rows(table: TransferTable, after: TransferRow | null, limit: number): Promise<TransferRow[]>;
  /** The rows that have one of these values in a column, in the order of the key. */
  rowsOf(table: TransferTable, column: string, values: readonly Json[]): Promise<TransferRow[]>;
  /** The last number that each table has given out, by its name; tables that have given out none are left out. */
  sequences(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** Moves everything out of a database, and into it. */
export interface TransferStore {
  /** All that is carried over, each after those it refers to. Leases and writers' receipts are not: they are of processes. */
  readonly tables: readonly TransferTable[];
  /** What is stored now, to be closed by whoever has asked for it. */
  snapshot(): Promise<TransferSnapshot>;
  /** Adds rows with their ids, in one transaction; those whose key is stored stay as they are. */
  write(table: TransferTable, rows: readonly TransferRow[]): Promise<void>;
  /** The next number that each table gives out is higher than this. */
  raiseSequences(sequences: Readonly<Record<string, number>>): Promise<void>;
}
