/**
 * What a batch comes to, foreseen: the steps are taken with the answers that are known or likely, and what they ask is
 * written down, to be sent to the server in one go together with checks that the answers are what they were taken for.
 *
 * So the rules of writing stay where they are, and a batch is one journey. Where an answer is another, the server undoes
 * the batch, and it is foreseen again knowing better.
 */
import { type Ask, type Steps, take } from "../writer/steps.js";
import type { Value } from "../writer/write-protocol.js";

/** The rows of a query. */
export interface Rows {
  readonly columns: readonly string[];
  readonly tuples: readonly (readonly Value[])[];
}

/** No row at all. */
const NONE: Rows = { columns: [], tuples: [] };

/** What is known of the answers to what is asked. */
export class Knowledge {
  /** Answers to what is asked again and again, with nothing bound to it, as they were last. */
  readonly #usual: Map<string, Rows>;
  readonly #rows = new Map<string, Rows>();
  /** Statements that failed, or (null) changed another number of rows than supposed; see {@link turnOf}. */
  readonly #refusals = new Map<string, Error | null>();

  constructor(usual: Map<string, Rows>) {
    this.#usual = usual;
  }

  /** Notes the rows of a query. */
  learn(ask: Ask, rows: Rows): void {
    this.#rows.set(keyOf(ask), rows);
    if (ask.values.length === 0) this.#usual.set(keyOf(ask), rows);
  }

  /** Notes that a statement, the one at that place among those asked, failed or changed another number of rows. */
  refuse(asked: readonly Ask[], place: number, error: Error | null): void {
    this.#refusals.set(turnOf(asked, place), error);
  }

  /** What was refused behind an answer that was not as supposed may not be any more. */
  doubt(): void {
    this.#refusals.clear();
  }

  rows(ask: Ask): Rows | undefined {
    const key = keyOf(ask);
    return this.#rows.get(key) ?? this.#usual.get(key);
  }

  /** Whether the rows of a query were read for this, as opposed to supposed. */
  wasRead(ask: Ask): boolean {
    return this.#rows.has(keyOf(ask));
  }

  /** What the statement at that place was refused with before. */
  refusal(asked: readonly Ask[], place: number): Error | null | undefined {
    return this.#refusals.size === 0 ? undefined : this.#refusals.get(turnOf(asked, place));
  }
}

const keyOf = ({ sql, values }: Ask): string => `${sql} ${JSON.stringify(values)}`;

/**
 * Which statement of those asked it is, whatever else is asked: of two that are the very same, as two of one process may
 * be, the first is granted what the second is refused.
 */
function turnOf(asked: readonly Ask[], place: number): string {
  const ask = asked[place] as Ask;
  const key = keyOf(ask);
  const before = asked.slice(0, place).filter((each) => each.sql === ask.sql && keyOf(each) === key);
  return `${before.length} ${key}`;
}

/** One thing to send, and what it has to come to. */
export interface Step {
  readonly ask: Ask;
  /** rows that a query has to give; a count of changes; null where it does not matter */
  readonly expected: Rows | number | null;
  /** whether the operation is one of many that are written together */
  readonly isTogether: boolean;
  /** of a statement that changes rows, its place among those asked */
  readonly place: number | null;
}

/** What is foreseen. */
export interface Foreseen<T> {
  readonly result: T;
  readonly steps: readonly Step[];
  /** queries about whose rows nothing is known or supposed; with any, the rest is no more than a guess */
  readonly unread: readonly Ask[];
  /** the statements that change rows, in their order, those that were refused or undone included */
  readonly asked: readonly Ask[];
}

/** The answer to another count of changes than the supposed one, whichever it is. */
const OTHER = -1;

class Foreseer {
  steps: Step[] = [];
  readonly unread: Ask[] = [];
  readonly asked: Ask[] = [];
  readonly #known: Knowledge;
  readonly #savepoints: { readonly name: string; readonly length: number }[] = [];

  constructor(known: Knowledge) {
    this.#known = known;
  }

  /** @throws what the statement is known to fail with */
  answer(ask: Ask): unknown {
    const [, verb, name] = /^(SAVEPOINT|ROLLBACK TO|RELEASE) (\w+)$/.exec(ask.sql) ?? [];
    if (verb !== undefined && name !== undefined) return this.#mark(verb, name);
    return ask.want === "changes" ? this.#changes(ask) : this.#rows(ask);
  }

  /** The server need not be told: what is undone is not sent. */
  #mark(verb: string, name: string): number {
    const place = this.#savepoints.findLastIndex((each) => each.name === name);
    const savepoint = this.#savepoints[place];
    if (verb === "SAVEPOINT") this.#savepoints.push({ name, length: this.steps.length });
    else if (verb === "RELEASE") this.#savepoints.length = place;
    else if (savepoint) this.steps = this.steps.slice(0, savepoint.length);
    return 0;
  }

  #changes(ask: Ask): number {
    const place = this.asked.push(ask) - 1;
    const refusal = this.#known.refusal(this.asked, place);
    if (refusal) throw refusal;
    if (refusal === null) return OTHER;
    const expected = typeof ask.supposed === "number" ? ask.supposed : null;
    this.#add(ask, expected, place);
    return expected ?? 0;
  }

  #rows(ask: Ask): unknown {
    const known = this.#known.rows(ask);
    if (!known && ask.supposed !== "none") this.unread.push(ask);
    const { columns, tuples } = known ?? NONE;
    this.#add(ask, known ?? NONE, null);
    const objects = tuples.map((tuple) => Object.fromEntries(columns.map((name, i) => [name, tuple[i]])));
    return ask.want === "row" ? objects[0] : objects;
  }

  #add(ask: Ask, expected: Step["expected"], place: Step["place"]): void {
    this.steps.push({ ask, expected, isTogether: this.#savepoints.at(-1)?.name === "batch", place });
  }
}

/** Takes the steps with what is known. */
export function foresee<T>(steps: Steps<T>, known: Knowledge): Foreseen<T> {
  const foreseer = new Foreseer(known);
  const result = take(steps, (ask) => foreseer.answer(ask));
  const { steps: foreseen, unread, asked } = foreseer;
  return { result, steps: foreseen, unread, asked };
}
