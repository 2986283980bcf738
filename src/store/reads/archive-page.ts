/**
 * Archived units as they lie in the database: compressed JSON, of each unit what folding needs and nothing else.
 */
import { deflateSync, inflateSync } from "node:zlib";
import type { FoldRow } from "../../engine/ports.js";

type SignalTuple = readonly [name: string, value: number, kind: FoldRow["signals"][number]["kind"]];

type UnitTuple = readonly [
  seq: number,
  arm: number,
  shares: readonly number[],
  score: number | null,
  durationMs: number | null,
  context: FoldRow["context"],
  signals: readonly SignalTuple[],
];

function tupleOf({ seq, arm, shares, score, durationMs, context, signals }: FoldRow): UnitTuple {
  const kept = signals.map(({ name, value, kind }): SignalTuple => [name, value, kind]);
  return [seq, arm, shares, score, durationMs, context, kept];
}

function rowOf([seq, arm, shares, score, durationMs, context, signals]: UnitTuple): FoldRow {
  return {
    seq,
    arm,
    shares,
    score,
    context,
    startedAtMs: null,
    durationMs,
    signals: signals.map(([name, value, kind]) => ({ name, value, kind })),
  };
}

/** A page of units as it is stored. */
export function packPage(rows: readonly FoldRow[]): Buffer {
  return deflateSync(JSON.stringify(rows.map(tupleOf)));
}

/** The units of a stored page. */
export function unpackPage(body: Uint8Array): FoldRow[] {
  return (JSON.parse(inflateSync(body).toString("utf8")) as UnitTuple[]).map(rowOf);
}
