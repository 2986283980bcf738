import { describe, expect, it } from "vitest";
import type { DethroneError, Json } from "../../../../src/core/errors.js";
import { assertPrivate, codeGuard, type PrivacyGuard } from "../../../../src/engine/configs/privacy.js";

function refusal(
  guard: PrivacyGuard,
  value: Json,
  kind: "context" | "signal" | "config" = "context",
): DethroneError {
  try {
    assertPrivate(guard, kind, value);
  } catch (error) {
    return error as DethroneError;
  }
  throw new Error("accepted");
}

const where = { kind: "context", path: "task" } as const;

describe("the code guard", () => {
  it.each([
    ["a function", "function add(a, b) { return a + b }"],
    ["a function", "function* ids() {}"],
    ["a function", "x = function (a) {}"],
    ["a function", "function pick<T>(items: T[]) {}"],
    ["a function", "def add(a, b):"],
    ["a function", "fn add<T>(a: T)"],
    ["a function", "func Add(a int) int {"],
    ["a class", "class Order { }"],
    ["a class", "class Order(Base):"],
    ["a class", "class Order extends Base"],
    ["a class", "struct Order\n{"],
    ["a class", "impl Display for Order"],
    ["an import", "import os"],
    ["an import", 'say this:\n  import { a } from "b";'],
    ["an import", "from os import path"],
    ["an import", "const.x; import y"],
    ["an import", "package main"],
    ["an import", "using namespace std;"],
    ["an import", "fs = require('fs')"],
    ["an import", "await import('fs')"],
    ["a declaration", "const a = 1;"],
    ["a declaration", "let total: number"],
    ["a declaration", "const { a } = b"],
    ["an arrow", "x => x"],
    ["a directive", "#include <stdio.h>"],
    ["a directive", "# define MAX 3"],
    ["a print call", 'println!("x")'],
    ["a print call", "print(x)"],
    ["a print call", "console.log(x)"],
    ["a print call", "System.out.println(x)"],
    ["an SQL statement", "INSERT INTO orders VALUES (1)"],
    ["an SQL statement", "delete  from orders"],
    ["a query", "SELECT id\nFROM orders"],
    ["a query", "please select one from the list"],
  ])("takes it for code that there is %s in %j", (sign, text) => {
    expect(codeGuard(text, where)).toBe(`it looks like source code (${sign})`);
    expect(codeGuard(`Fix this please:\n${text}`, { kind: "signal", path: "name" })).toMatch(/source code/);
    expect(codeGuard(text, { kind: "config", path: "prompt" })).toBeNull();
  });

  it.each([
    "",
    "Refund an order",
    "The function of this agent is to help; its class is first.",
    "Please import the contacts, and export them again.",
    "Let me know, a constant worry.",
    "from Berlin to Paris",
    "Select a seat",
    "a line from the past, then select",
    "insert a coin",
    "print the page #3",
    "resolved",
    "judge:v3",
    "def",
    "https://example.org/class?a=b",
    "5 >= 3, a -> b",
  ])("lets %j pass", (text) => {
    expect(codeGuard(text, where)).toBeNull();
  });

  // Each would keep a pattern busy for minutes if it read the same part again from every place.
  it.each([
    ...[
      "function ",
      "function",
      "class ",
      "class a ",
      "from ",
      "from a.",
      "import",
      "let ",
      "let a ",
      "# ",
      "console .",
    ],
    ...["print ", "System . ", "insert ", "select ", " ", "\n", "\t", "}", "; ", "a", "$"],
  ])("answers about a megabyte of %j", (part) => {
    const text = part.repeat(Math.ceil(2 ** 20 / part.length));
    expect(codeGuard(text, where) ?? "").toMatch(/^$|source code/);
    expect(codeGuard(`function${text}`, where) ?? "").toMatch(/^$|source code/);
  });
});

describe("a recorded value", () => {
  it("passes where the guard answers null to every text, and where there is no guard", () => {
    const asked: unknown[] = [];
    const guard: PrivacyGuard = (text, place) => {
      asked.push([text, place.kind, place.path]);
      return null;
    };
    assertPrivate(guard, "signal", { tags: ["a", { b: "c" }], n: 1 });
    expect(asked).toEqual([
      ["tags", "signal", ""],
      ["a", "signal", "tags.0"],
      ["b", "signal", "tags.1"],
      ["c", "signal", "tags.1.b"],
      ["n", "signal", ""],
    ]);
    assertPrivate(null, "context", { task: "const a = 1" });
    assertPrivate(codeGuard, "context", { task: "Refund an order" });
    assertPrivate(codeGuard, "config", { prompt: "const a = 1" });
  });

  it("is refused by place and reason, never by what it says", () => {
    const error = refusal(codeGuard, { task: ["ok", "let marmalade = 1"] });
    expect(error).toMatchObject({
      code: "privacy_refused",
      kind: "invalid_input",
      message:
        "The context is not recorded, because the privacy guard refuses 'task.1': it looks like source code (a declaration).",
      details: {
        recorded: "context",
        path: "task.1",
        isKey: false,
        reason: "it looks like source code (a declaration)",
        allowed: "texts for which the privacy guard answers null",
      },
    });
    expect(JSON.stringify(error)).not.toContain("marmalade");
    expect(refusal(codeGuard, "let a = 1", "signal").message).toContain("refuses the whole: ");
  });

  it("is refused for a key, which is told as little", () => {
    const key = "let marmalade = 1";
    const inside = refusal(codeGuard, { a: { [key]: { b: "x => x" } } });
    expect(inside.message).toContain("refuses a key of 'a': ");
    expect(inside.details).toMatchObject({ path: "a", isKey: true });
    const outside = refusal(codeGuard, { [key]: 1 });
    expect(outside.message).toContain("refuses a key of the whole: ");
    for (const error of [inside, outside])
      expect(JSON.stringify(error) + error.message).not.toContain("marmalade");
  });
});

describe("a guard that gives no answer has refused", () => {
  it("by throwing: neither its message nor its error is passed on, as they may quote the text", () => {
    const error = refusal((text) => {
      throw new TypeError(`cannot read ${text}`);
    }, "marmalade");
    expect(error).toMatchObject({
      code: "privacy_refused",
      details: { reason: "the guard itself threw TypeError" },
    });
    expect(JSON.stringify(error) + error.message).not.toContain("marmalade");
    expect(error.cause).toBeUndefined();
    const odd = refusal((text) => {
      throw text;
    }, "marmalade");
    expect(odd.details.reason).toBe("the guard itself threw a value that is no error");
  });

  it.each<[string, unknown, string]>([
    ["nothing", undefined, "undefined"],
    ["a boolean", false, "boolean"],
    ["a promise", Promise.resolve(null), "object"],
    ["an empty text", "", "an empty text"],
  ])("by answering with %s", (_title, answer, described) => {
    expect(refusal((() => answer) as unknown as PrivacyGuard, "x").details.reason).toBe(
      `the guard answered with ${described}, not a reason or null`,
    );
  });
});
