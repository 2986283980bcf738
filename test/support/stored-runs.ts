import { expect } from "vitest";
import type { Engine } from "../../src/index.js";
import { query } from "./query.js";

/** The sessions as they are stored, oldest first, each with its signals by name. */
export async function storedRuns(engine: Engine, path: string) {
  await engine.flush();
  const sessions = await query<{ seq: number; score: number | null; ended_at_ms: number | null }>(
    path,
    "select seq, score, ended_at_ms from sessions order by seq",
  );
  const signals = await query<{ session_seq: number; name: string; value: number; is_late: number }>(
    path,
    "select session_seq, name, value, is_late from signals order by id",
  );
  return sessions.map(({ seq, score, ended_at_ms }) => {
    const own = signals.filter(({ session_seq }) => session_seq === seq);
    // Once each: a name that came twice would be lost in the object.
    expect(new Set(own.map(({ name }) => name)).size).toBe(own.length);
    expect(own.filter(({ is_late }) => is_late !== 0)).toEqual([]);
    return {
      score,
      hasEnded: ended_at_ms !== null,
      signals: Object.fromEntries(own.map(({ name, value }) => [name, value])),
    };
  });
}

/** Reads a stream to its end. */
export async function readAll<T>(stream: AsyncIterable<T> | ReadableStream<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const part of stream) seen.push(part);
  return seen;
}
