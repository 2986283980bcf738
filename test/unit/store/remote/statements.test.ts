import fc from "fast-check";
import Database from "libsql";
import { afterAll, describe, expect, it } from "vitest";
import {
  bound,
  checkChanges,
  checkRows,
  type RemoteStatement,
} from "../../../../src/store/remote/statements.js";

const database = new Database(":memory:");
database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, number REAL)");
afterAll(() => database.close());

const rowOf = ({ sql, args }: RemoteStatement): unknown[] =>
  database
    .prepare(sql)
    .raw()
    .get(...args) as unknown[];

describe("a bound statement", () => {
  it("carries every number to the last bit, and never as a decimal text that may be misread", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e15, max: 1e15 }), fc.integer(), (number, whole) => {
        const statement = bound("SELECT ?, ?, 'is it ?', ?2", [number, whole]);
        const isTiny = number !== 0 && Math.abs(number) < 2 ** -70;
        if (!isTiny) expect(statement.args.every((value) => Number.isInteger(value))).toBe(true);
        expect(rowOf(statement).slice(0, 4)).toEqual([number === 0 ? 0 : number, whole, "is it ?", whole]);
      }),
    );
  });

  it("keeps the places of those that stay, numbered or not", () => {
    const statement = bound("SELECT ?3, ?1, ?2 -- or ?4", [0.1, "b", true]);
    expect(rowOf(statement).slice(0, 3)).toEqual([1, 0.1, "b"]);
  });
});

describe("a check", () => {
  const run = (statement: RemoteStatement): unknown => database.prepare(statement.sql).all(...statement.args);
  const query = { sql: "SELECT id, name, number FROM t WHERE id < ?", values: [3] };

  it("of changes passes where so many rows were changed, and fails otherwise", () => {
    database.exec("DELETE FROM t");
    database.prepare("INSERT INTO t VALUES (1, 'a', 0.1), (2, NULL, 0.2)").run();
    run(checkChanges(2));
    expect(() => run(checkChanges(1))).toThrow("malformed JSON");
  });

  it("of rows passes where they are the same, and fails where one is more, less or different", () => {
    const rows = [
      [2, null, 0.2],
      [1, "a", 0.1],
    ];
    run(checkRows(query, rows));
    run(checkRows({ ...query, values: [1] }, []));
    for (const wrong of [
      [],
      rows.slice(1),
      [...rows, [3, "c", 0]],
      [
        [2, null, 0.2],
        [1, "a", 0.10000000000000002],
      ],
    ])
      expect(() => run(checkRows(query, wrong)), JSON.stringify(wrong)).toThrow("malformed JSON");
  });
});
