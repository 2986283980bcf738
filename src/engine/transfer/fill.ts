/**
 * Fills a database from a source: whole, once, and again from where it was cut off.
 *
 * A database is filled table by table, each in the order of its key, so one that was cut off holds the beginning of its
 * source and nothing else. Whatever it holds is compared row by row before anything is written, and everything is
 * compared once all is.
 */
import { DethroneError } from "../../core/errors.js";
import type { TransferRow, TransferSnapshot, TransferStore } from "../ports.js";
import type { Position, Positions, TransferSource } from "./source.js";

/** What was carried over. */
export interface TransferResult {
  /** rows, by table */
  readonly tables: Readonly<Record<string, number>>;
  readonly rows: number;
  /** of these, there already from a run before */
  readonly rowsBefore: number;
}

/** Told how far it has come: every row counts twice, once written and once compared. */
export type TransferProgress = (done: number, total: number) => void;

const NOTHING: Positions = new Map();

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const isSame = (a: TransferRow, b: TransferRow): boolean => JSON.stringify(a) === JSON.stringify(b);

function differs(table: string, message: string): never {
  throw new DethroneError("database_differs", message, { table });
}

/**
 * Fills a database.
 *
 * @throws DethroneError `database_differs` where it holds anything else; nothing is written then
 */
export async function fill(
  target: TransferStore,
  source: TransferSource,
  onProgress: TransferProgress = () => undefined,
): Promise<TransferResult> {
  const rows = sum(source.counts);
  let done = 0;
  const advance = (count: number): void => {
    done += count;
    onProgress(done, 2 * rows);
  };
  const before = await compared(target, source, advance);
  for await (const { table, rows: page } of source.pages(before)) {
    await target.write(table, page);
    advance(page.length);
  }
  await target.raiseSequences(source.sequences);
  const after = await compared(target, source, advance);
  for (const [name, count] of Object.entries(source.counts))
    if ((after.get(name)?.count ?? 0) !== count)
      differs(name, `Not all rows of '${name}' could be stored: the database is being written to.`);
  const rowsBefore = [...before.values()].reduce((total, { count }) => total + count, 0);
  return { tables: source.counts, rows, rowsBefore };
}

/** How far the database has come, by what it holds. @throws DethroneError `database_differs` */
async function compared(
  target: TransferStore,
  source: TransferSource,
  advance: (count: number) => void,
): Promise<Positions> {
  const snapshot = await target.snapshot();
  try {
    return await comparedWith(target, snapshot, { source, advance });
  } finally {
    await snapshot.close();
  }
}

async function comparedWith(
  { tables }: TransferStore,
  snapshot: TransferSnapshot,
  { source, advance }: { readonly source: TransferSource; readonly advance: (count: number) => void },
): Promise<Positions> {
  const held = new Map<string, number>();
  for (const table of tables) held.set(table.name, await snapshot.count(table));
  // A new database need not be compared.
  if ([...held.values()].every((count) => count === 0)) return NOTHING;
  const positions = new Map<string, Position>();
  let left = [...held.values()].reduce((total, count) => total + count, 0);
  for await (const { table, rows } of source.pages(NOTHING)) {
    const { count, last } = positions.get(table.name) ?? { count: 0, last: null };
    if (count === held.get(table.name)) continue;
    const there = await snapshot.rows(table, last, rows.length);
    const odd = there.findIndex((row, i) => !isSame(row, rows[i] as TransferRow));
    if (odd >= 0) differs(table.name, otherRow(table.name));
    positions.set(table.name, { count: count + there.length, last: there.at(-1) as TransferRow });
    advance(there.length);
    left -= there.length;
    if (left === 0) break;
  }
  for (const [name, count] of held)
    if ((positions.get(name)?.count ?? 0) !== count) differs(name, otherRow(name));
  return positions;
}

const otherRow = (table: string): string =>
  `The database holds something else in '${table}' than what it is to be filled with: other data, or an earlier state of the same. Fill a new one.`;
