/**
 * Operations on their way to the writer's thread, as one JSON text with no names in it: thousands of objects take three
 * times as long to cross a thread, on both sides.
 */
import type { SessionEnd, SessionSignal, SessionStart } from "../engine/ports.js";
import type { WriteOperation } from "./write-protocol.js";

const packStart = (start: SessionStart) =>
  [
    "start",
    start.id,
    start.projectId,
    start.configId,
    start.experimentId,
    start.armId,
    start.unit,
    start.shares,
    start.excluded,
    start.isExclusive,
    start.context,
    start.root,
    start.startedAtMs,
    start.windowEndsAtMs,
    start.mayExist,
  ] as const;

const packEnd = ({ sessionId, atMs, score }: SessionEnd) => ["end", sessionId, atMs, score] as const;

const packSignal = ({ sessionId, key, name, value, kind, source, atMs }: SessionSignal) =>
  ["signal", sessionId, key, name, value, kind, source, atMs] as const;

type Packed =
  | ReturnType<typeof packStart>
  | ReturnType<typeof packEnd>
  | ReturnType<typeof packSignal>
  | readonly ["other", WriteOperation];

function packOne(operation: WriteOperation): Packed {
  switch (operation.kind) {
    case "start":
      return packStart(operation.start);
    case "end":
      return packEnd(operation.end);
    case "signal":
      return packSignal(operation.signal);
    default:
      return ["other", operation];
  }
}

function unpackStart(packed: ReturnType<typeof packStart>): SessionStart {
  const [, id, projectId, configId, experimentId, armId, unit, shares, excluded, ...more] = packed;
  const [isExclusive, context, root, startedAtMs, windowEndsAtMs, mayExist] = more;
  return {
    id,
    projectId,
    configId,
    experimentId,
    armId,
    unit,
    shares,
    excluded,
    isExclusive,
    context,
    root,
    startedAtMs,
    windowEndsAtMs,
    mayExist,
  };
}

function unpackOne(packed: Packed): WriteOperation {
  switch (packed[0]) {
    case "start":
      return { kind: "start", start: unpackStart(packed) };
    case "end": {
      const [kind, sessionId, atMs, score] = packed;
      return { kind, end: { sessionId, atMs, score } };
    }
    case "signal": {
      const [kind, sessionId, key, name, value, signalKind, source, atMs] = packed;
      return { kind, signal: { sessionId, key, name, value, kind: signalKind, source, atMs } };
    }
    case "other":
      return packed[1];
  }
}

/** The operations as a text. */
export const pack = (operations: readonly WriteOperation[]): string =>
  JSON.stringify(operations.map(packOne));

/** The operations of a text; see {@link pack}. */
export const unpack = (text: string): WriteOperation[] => (JSON.parse(text) as Packed[]).map(unpackOne);
