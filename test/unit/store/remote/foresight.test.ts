import { describe, expect, it } from "vitest";
import { foresee, Knowledge } from "../../../../src/store/remote/foresight.js";
import { all, get, run, type Steps } from "../../../../src/store/writer/steps.js";

const known = (): Knowledge => new Knowledge(new Map());
const sqlOf = ({ steps }: ReturnType<typeof foresee>): string[] => steps.map(({ ask }) => ask.sql);

function* claim(): Steps<string> {
  if (yield* get("SELECT unit", ["u"], "none")) return "known";
  yield* run("INSERT unit", ["u"], 1);
  return "new";
}

function* guarded(): Steps<string> {
  yield* run("SAVEPOINT operation");
  try {
    const changed = yield* run("UPDATE one", [], 1);
    yield* run("INSERT two");
    if (changed !== 1) yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return changed === 1 ? "done" : "conflict";
  } catch (error) {
    yield* run("ROLLBACK TO operation");
    yield* run("RELEASE operation");
    return (error as Error).message;
  }
}

describe("what a batch comes to", () => {
  it("is foreseen with what is supposed, which is to be checked", () => {
    const foreseen = foresee(claim(), known());
    expect(foreseen.result).toBe("new");
    expect(foreseen.unread).toEqual([]);
    expect(foreseen.steps.map(({ ask, expected }) => [ask.sql, expected])).toEqual([
      ["SELECT unit", { columns: [], tuples: [] }],
      ["INSERT unit", 1],
    ]);
  });

  it("is foreseen with what is known instead, and then takes its other way", () => {
    const knowledge = known();
    knowledge.learn({ sql: "SELECT unit", values: ["u"], want: "row" }, { columns: ["arm"], tuples: [[1]] });
    const foreseen = foresee(claim(), knowledge);
    expect([foreseen.result, sqlOf(foreseen)]).toEqual(["known", ["SELECT unit"]]);
  });

  it("is not foreseen where something has to be read first", () => {
    function* read(): Steps<unknown> {
      return yield* all("SELECT rows", [1]);
    }
    expect(foresee(read(), known()).unread.map(({ sql }) => sql)).toEqual(["SELECT rows"]);
    const knowledge = known();
    const ask = { sql: "SELECT rows", values: [1], want: "rows" } as const;
    knowledge.learn(ask, {
      columns: ["a", "b"],
      tuples: [
        [1, "x"],
        [2, null],
      ],
    });
    const { result, unread } = foresee(read(), knowledge);
    expect([result, unread]).toEqual([
      [
        { a: 1, b: "x" },
        { a: 2, b: null },
      ],
      [],
    ]);
  });

  it("leaves out what is undone: by another count, by a failure", () => {
    const update = { sql: "UPDATE one", values: [], want: "changes" } as const;
    expect(sqlOf(foresee(guarded(), known()))).toEqual(["UPDATE one", "INSERT two"]);
    const knowledge = known();
    knowledge.refuse([update], 0, null);
    expect(foresee(guarded(), knowledge)).toMatchObject({ result: "conflict", steps: [] });
    knowledge.refuse([update], 0, new Error("UNIQUE"));
    expect(foresee(guarded(), knowledge)).toMatchObject({ result: "UNIQUE", steps: [] });
    knowledge.doubt();
    expect(foresee(guarded(), knowledge).result).toBe("done");
  });

  it("grants the first of two that ask for the very same what the second is refused", () => {
    function* twice(): Steps<string[]> {
      return [yield* guarded(), yield* guarded(), yield* guarded()];
    }
    const knowledge = known();
    const first = foresee(twice(), knowledge);
    const at = first.steps.filter(({ ask }) => ask.sql === "UPDATE one")[1]!;
    knowledge.refuse(first.asked, at.place!, null);
    const second = foresee(twice(), knowledge);
    expect(second.result).toEqual(["done", "conflict", "done"]);
    const last = second.steps.filter(({ ask }) => ask.sql === "UPDATE one")[1]!;
    knowledge.refuse(second.asked, last.place!, null);
    expect(foresee(twice(), knowledge).result).toEqual(["done", "conflict", "conflict"]);
  });

  it("remembers from batch to batch what every one of them asks alike", () => {
    const usual = new Map();
    const ask = { sql: "SELECT whether", values: [], want: "row" } as const;
    new Knowledge(usual).learn(ask, { columns: ["n"], tuples: [[1]] });
    const next = new Knowledge(usual);
    expect(next.rows(ask)?.tuples).toEqual([[1]]);
    // It was not read for this batch, so it is supposed.
    expect(next.wasRead(ask)).toBe(false);
  });
});
