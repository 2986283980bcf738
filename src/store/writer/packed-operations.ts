/**
 * Operations on their way to the writer's thread, as one JSON text with no names in it, and the text of each statement
 * once: thousands of objects take three times as long to cross a thread, on both sides.
 */
import type { SessionEnd, SessionSignal, SessionStart } from "../../engine/ports.js";
import type { Value, WriteOperation, WriteStatement } from "./write-protocol.js";

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

type PackedStatement = readonly [text: number, changes: number | null, params: readonly Value[]];
type Statements = Extract<WriteOperation, { kind: "statements" }>;

/** The texts of statements, each once, and their places. */
class Texts {
  readonly all: string[] = [];
  readonly #places = new Map<string, number>();

  pack({ sql, changes, params }: WriteStatement): PackedStatement {
    let place = this.#places.get(sql);
    if (place === undefined) {
      place = this.all.push(sql) - 1;
      this.#places.set(sql, place);
    }
    return [place, changes ?? null, params];
  }
}

const packStatements = ({ statements, spooledAs }: Statements, texts: Texts) =>
  ["statements", statements.map((each) => texts.pack(each)), spooledAs ?? null] as const;

type Packed =
  | ReturnType<typeof packStart>
  | ReturnType<typeof packEnd>
  | ReturnType<typeof packSignal>
  | ReturnType<typeof packStatements>
  | readonly ["other", WriteOperation];

function packOne(operation: WriteOperation, texts: Texts): Packed {
  switch (operation.kind) {
    case "start":
      return packStart(operation.start);
    case "end":
      return packEnd(operation.end);
    case "signal":
      return packSignal(operation.signal);
    case "statements":
      return packStatements(operation, texts);
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

function unpackStatements(
  [kind, statements, spooledAs]: ReturnType<typeof packStatements>,
  texts: string[],
): Statements {
  const unpacked = statements.map(([text, changes, params]): WriteStatement => {
    const sql = texts[text] as string;
    return changes === null ? { sql, params } : { sql, params, changes };
  });
  return spooledAs === null ? { kind, statements: unpacked } : { kind, statements: unpacked, spooledAs };
}

function unpackOne(packed: Packed, texts: string[]): WriteOperation {
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
    case "statements":
      return unpackStatements(packed, texts);
    case "other":
      return packed[1];
  }
}

/** The operations as a text. */
export function pack(operations: readonly WriteOperation[]): string {
  const texts = new Texts();
  const packed = operations.map((operation) => packOne(operation, texts));
  return JSON.stringify([packed, texts.all]);
}

/** The operations of a text; see {@link pack}. */
export function unpack(text: string): WriteOperation[] {
  const [packed, texts] = JSON.parse(text) as [Packed[], string[]];
  return packed.map((each) => unpackOne(each, texts));
}
