/**
 * Where everything comes from when a database is filled: another database, or an export.
 */
import type { TransferRow, TransferSnapshot, TransferTable } from "../ports.js";

/** Some rows of a table, in the order of its key. */
export interface TransferPage {
  readonly table: TransferTable;
  readonly rows: readonly TransferRow[];
}

/** How far a table has come. */
export interface Position {
  readonly count: number;
  /** the last row */
  readonly last: TransferRow;
}

/** How far each table has come, by its name; those that have not begun are left out. */
export type Positions = ReadonlyMap<string, Position>;

/** Where everything comes from: the same whenever it is read. */
export interface TransferSource {
  /** rows, by table */
  readonly counts: Readonly<Record<string, number>>;
  readonly sequences: Readonly<Record<string, number>>;
  /** All tables, each after those it refers to, from where they are. */
  pages(from: Positions): AsyncIterable<TransferPage>;
}

/** Rows read at once; fewer where they may be large: evidence, compressed pages. */
const PAGE = 500;
const LARGE_PAGE = 25;
const LARGE: readonly string[] = ["checkpoints", "decisions", "archive_pages"];

const pageOf = ({ name }: TransferTable): number => (LARGE.includes(name) ? LARGE_PAGE : PAGE);

/** A database as a source. */
export async function sourceOf(
  snapshot: TransferSnapshot,
  tables: readonly TransferTable[],
): Promise<TransferSource> {
  const counts: Record<string, number> = {};
  for (const table of tables) counts[table.name] = await snapshot.count(table);
  return {
    counts,
    sequences: await snapshot.sequences(),
    async *pages(from) {
      for (const table of tables) yield* rowsOf(snapshot, table, from.get(table.name)?.last ?? null);
    },
  };
}

async function* rowsOf(
  snapshot: TransferSnapshot,
  table: TransferTable,
  from: TransferRow | null,
): AsyncGenerator<TransferPage> {
  let after = from;
  for (;;) {
    const rows = await snapshot.rows(table, after, pageOf(table));
    if (rows.length > 0) yield { table, rows };
    if (rows.length < pageOf(table)) return;
    after = rows.at(-1) as TransferRow;
  }
}
