import { describe, expect, it } from "vitest";
import { detectFormat, FORMATS, type ImportFormat } from "../../../../src/engine/imports/formats.js";
import { type Gathered, Gathering, keyed } from "../../../../src/engine/imports/gather.js";
import { beginningOf, readValues } from "../../../../src/engine/imports/read-records.js";

async function read(text: string, format: ImportFormat = "jsonl") {
  const open = async function* () {
    const bytes = new TextEncoder().encode(text);
    for (let i = 0; i < bytes.length; i += 7) yield bytes.subarray(i, i + 7);
  };
  const found = [];
  for await (const { place, value, problem } of readValues(open, await beginningOf(open), FORMATS[format]))
    found.push([place, problem ?? value]);
  return found;
}

describe("the values of a file", () => {
  it("are one a line in JSON lines, and a line that is none is told", async () => {
    expect(await read('\uFEFF{"a":"ä€"}\r\n\n[1]\n{oops}\n{"a":2}')).toEqual([
      ["line 1", { a: "ä€" }],
      ["line 3", "it is no JSON object"],
      ["line 4", expect.stringContaining("it is not JSON: ")],
      ["line 5", { a: 2 }],
    ]);
  });

  it("are the members of a list, or of a list in a document, whatever its line breaks", async () => {
    const list = [
      ["record 1", { a: 1 }],
      ["record 2", "it is no JSON object"],
    ];
    expect(await read('\uFEFF[\n  {"a":1},\n 7]')).toEqual(list);
    expect(await read('{"meta":{"n":1},"data":[{"a":1},7]}', "langfuse")).toEqual(list);
    expect(await read('{\n"data": [ {"a":1}, 7 ]\n}', "langfuse")).toEqual(list);
    expect(await read('{\n"a":1}\n{\n"a":2}')).toEqual([
      ["record 1", { a: 1 }],
      ["record 2", { a: 2 }],
    ]);
  });

  it("are the rows of CSV, by their lines, and a row that is none is told", async () => {
    const values = await read('\uFEFFa,b\n1,"two\nlines"\n\n3\n4,5\n', "csv");
    expect(values.sort()).toEqual([
      ["line 3", { a: "1", b: "two\nlines" }],
      ["line 5", expect.stringContaining("Invalid Record Length")],
      ["line 6", { a: "4", b: "5" }],
    ]);
  });

  it.each<[string, ImportFormat]>([
    ['{"resourceSpans":[]}', "otlp"],
    ['{\n "evalId": "e", "results": {}', "promptfoo"],
    ['[{"root_span_id":"s","scores":{}}]', "braintrust"],
    ["id,traceId,name,dataType\n", "langfuse"],
    ['{"id":1}', "jsonl"],
    ["id,score\n", "csv"],
  ])("%j is taken for %s", (beginning, format) => {
    expect(detectFormat(beginning)).toBe(format);
  });
});

const EMPTY = {
  unit: null,
  config: null,
  startedAtMs: null,
  endedAtMs: null,
  score: null,
  context: null,
  signals: [],
};
const gathered = (id: string, more: Partial<Gathered["session"]> = {}): Gathered => ({
  session: { ...EMPTY, id, ...more },
  place: `line of ${id}`,
});

describe("gathering", () => {
  it("puts together what is said of a session: the first of each, the earliest start, the latest end, all signals", () => {
    const gathering = new Gathering();
    const signal = { key: null, name: "n", value: 1, kind: null, source: null, atMs: null };
    gathering.add(gathered("a", { startedAtMs: 5, config: { model: "m" }, signals: [signal] }));
    gathering.add(
      gathered("a", { startedAtMs: 3, endedAtMs: 9, score: 1, config: { model: "x", agent: "b" } }),
    );
    gathering.add(gathered("a", { endedAtMs: 7, score: 0, unit: "u", signals: [signal] }));
    const [one] = gathering.rest();
    expect(one).toEqual({
      place: "line of a",
      session: {
        ...{ id: "a", unit: "u", startedAtMs: 3, endedAtMs: 9, score: 1, context: null },
        config: { model: "m", agent: "b" },
        signals: [signal, signal],
      },
    });
    expect(keyed(one?.session.signals ?? []).map(({ key }) => key)).toEqual(["n", "n#2"]);
  });

  it("lets the oldest go when there are too many", () => {
    const gathering = new Gathering();
    for (let i = 0; i < 10_000; i += 1) expect(gathering.add(gathered(`s-${i}`))).toBeNull();
    gathering.add(gathered("s-0", { score: 1 }));
    expect(gathering.add(gathered("new"))).toMatchObject({ session: { id: "s-0", score: 1 } });
    expect([...gathering.rest()]).toHaveLength(10_000);
  });
});
