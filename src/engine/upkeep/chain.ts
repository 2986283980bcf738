/**
 * The chain of hashes over archived units: each link is the hash of the one before and of the next unit, so that the
 * last one vouches for all of them and for their order.
 */
import { createHash } from "node:crypto";
import type { FoldRow } from "../ports.js";

/** The chain before the first unit. */
export const CHAIN_START = "";

function rowText({ seq, arm, shares, score, durationMs, context, signals }: FoldRow): string {
  const values = signals.map(({ name, value, kind }) => [name, value, kind]);
  return JSON.stringify([seq, arm, shares, score, durationMs, context, values]);
}

/** The chain after more units: h(n) = SHA-256(h(n-1) and the unit's text), in hexadecimal. */
export function chainAfter(hash: string, rows: readonly FoldRow[]): string {
  return rows.reduce(
    (last, row) => createHash("sha256").update(last).update(rowText(row)).digest("hex"),
    hash,
  );
}
