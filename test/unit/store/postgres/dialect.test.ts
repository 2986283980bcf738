import { describe, expect, it } from "vitest";
import { toBind, toPostgres } from "../../../../src/store/postgres/dialect.js";

describe("a statement of the store, for Postgres", () => {
  it.each([
    ["numbers its places", "a = ? AND b = ?", "a = $1 AND b = $2"],
    ["keeps places that are numbered", "a = ?2 OR b = ?1 OR c = ?2", "a = $2 OR b = $1 OR c = $2"],
    [
      "keeps the case of names",
      "SELECT a_b AS aB, t.aB FROM x AS tX",
      'SELECT a_b AS "aB", t."aB" FROM x AS "tX"',
    ],
    ["leaves texts and quoted names alone", `'isIt ? ''aB''' || "aB?"`, `'isIt ? ''aB''' || "aB?"`],
    ["joins in any order", "a CROSS JOIN b ON a.x = b.x", "a JOIN b ON a.x = b.x"],
    [
      "reads lists",
      "IN (SELECT value FROM json_each(?))",
      "IN (SELECT value FROM json_array_elements_text($1))",
    ],
    ["reads lists of a column", "FROM json_each(t.tags)", "FROM json_array_elements_text(t.tags::json)"],
    ["reads fields", "log.details ->> 'unit' = ?", "(log.details::json ->> 'unit') = $1"],
    ["reads hexadecimal digits", "VALUES (?, unhex(?))", "VALUES ($1, decode($2, 'hex'))"],
    ["writes hexadecimal digits", 'lower(hex("page")) AS "page"', `encode("page", 'hex') AS "page"`],
    [
      "lets a new row have its key",
      'insert into "reigns" ("id", "cause") values (null, ?)',
      'insert into "reigns" ("id", "cause") values (default, $1)',
    ],
    [
      "lets each of several new rows have its key",
      'insert into "arms" ("id", "out") values (null, null), (null, ?)',
      'insert into "arms" ("id", "out") values (default, null), (default, $1)',
    ],
    [
      "leaves a null in another place alone",
      'insert into "arms" ("name", "out") values (null, null)',
      'insert into "arms" ("name", "out") values (null, null)',
    ],
    [
      "names what may be taken by its columns alone",
      'on conflict ("t"."a", "t"."b") do update set "a" = "t"."b"',
      'on conflict ("a", "b") do update set "a" = "t"."b"',
    ],
  ])("%s", (_, sql, postgres) => {
    expect(toPostgres(sql)).toBe(postgres);
    // Remembered, it is the same.
    expect(toPostgres(sql)).toBe(postgres);
  });

  it("remembers no more than it needs", () => {
    for (let i = 0; i < 2000; i += 1) expect(toPostgres(`SELECT ${i} WHERE ?`)).toBe(`SELECT ${i} WHERE $1`);
  });
});

describe("a value for Postgres", () => {
  it("is a number where it is true or not, and a text without zero characters", () => {
    expect([true, false, null, 1.5, "a\0b"].map(toBind)).toEqual([1, 0, null, 1.5, "a\uFFFDb"]);
  });
});
