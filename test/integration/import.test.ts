import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/errors.js";
import type { ImportOptions } from "../../src/engine/imports/import-sessions.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { cli } from "../support/cli.js";
import { temporaryDatabase, temporaryFolder } from "../support/temporary.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/import/${name}`, import.meta.url));

const CHAMPION = { model: "m-large", prompt: "v3" };
/** After everything in the fixtures. */
const NOW_MS = Date.UTC(2026, 10, 1);

async function openTest(url?: string): Promise<TestEngine> {
  const test = await createTestEngine(url === undefined ? {} : { url });
  test.clock.advance(NOW_MS - test.clock.now());
  await test.engine.project("support", { champion: CHAMPION });
  return test;
}

const piecesOf = (text: string, size = 777) =>
  async function* () {
    const bytes = new TextEncoder().encode(text);
    for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
  };

const imported = ({ engine }: TestEngine, text: string, options: ImportOptions = {}) =>
  engine.transfer.importSessions("support", piecesOf(text), options);

const importedFile = (test: TestEngine, name: string, options?: ImportOptions) =>
  imported(test, readFileSync(fixture(name), "utf8"), options);

/** What is stored, by the last part of the sessions' ids. */
async function stored({ engine }: TestEngine) {
  const sessions = new Map<string, JsonObject & { signals: Record<string, unknown> }>();
  const shortOf = (id: unknown): string => String(id).split("/").at(-1) as string;
  for await (const session of engine.transfer.exportRecords({ what: "sessions" }))
    sessions.set(shortOf(session.id), { ...session, signals: {} });
  for await (const { session, name, value, kind } of engine.transfer.exportRecords({ what: "signals" }))
    Object.assign(sessions.get(shortOf(session))?.signals ?? {}, {
      [String(name)]: kind ? [kind, value] : value,
    });
  return sessions;
}

async function everything({ engine }: TestEngine): Promise<string> {
  let text = "";
  for await (const lines of engine.transfer.exportEverything()) text += lines;
  return text;
}

describe("importing sessions", () => {
  it("puts the scores of Langfuse together by trace, under the champion's config", async () => {
    const test = await openTest();
    const result = await importedFile(test, "langfuse-scores.jsonl");
    expect(result).toMatchObject({
      format: "langfuse",
      records: 5,
      sessions: 3,
      signals: 3,
      underChampion: 3,
    });
    expect(result.refusals).toEqual([
      { place: "line 5", reason: expect.stringContaining("'stars' must be") },
    ]);
    const sessions = await stored(test);
    expect(sessions.get("tr-a")).toMatchObject({
      id: "langfuse/support/tr-a",
      ...{ score: 0.9, isMissing: false, isEvidence: false, excluded: "elsewhere", experiment: null },
      ...{ config: CHAMPION, context: { environment: "production" } },
      startedAtMs: Date.UTC(2026, 9, 1, 8, 12, 44, 120),
      signals: { helpfulness: ["explicit", 0.8], thumbs: ["explicit", 1] },
    });
    // A category is no score.
    expect(sessions.get("tr-c")).toMatchObject({ score: null, isMissing: true, signals: {} });
    await importedFile(test, "langfuse-scores.csv");
    await importedFile(test, "langfuse-api.json");
    const more = await stored(test);
    expect(more.get("tr-y")).toMatchObject({ unit: "user-2", score: 0 });
    expect(more.get("tr-p")).toMatchObject({ score: 0.5 });
    await test.close();
  });

  it("takes the first spans of Braintrust, with their scores and metrics", async () => {
    const test = await openTest();
    const result = await importedFile(test, "braintrust-experiment.json");
    expect(result).toMatchObject({ format: "braintrust", records: 3, sessions: 2, refused: 0 });
    const sessions = await stored(test);
    expect(sessions.get("s-1")).toMatchObject({
      ...{ unit: "user-5", score: 0.95, endedAtMs: 1791183604750 },
      config: { experiment: "exp-7", model: "m-large", prompt: "v3" },
      signals: { Factuality: ["explicit", 1], input_tokens: 812, cost_usd: 0.0031 },
    });
    expect(sessions.get("s-3")).toMatchObject({ score: 0, signals: { error: 1 } });
    await test.close();
  });

  it("takes the results of promptfoo with their own scores", async () => {
    const test = await openTest();
    const result = await importedFile(test, "promptfoo-results.json");
    expect(result).toMatchObject({ format: "promptfoo", records: 2, sessions: 2, untimed: 2 });
    const sessions = await stored(test);
    expect(sessions.get("5e0f6d1e-0001")).toMatchObject({
      score: 1,
      config: { provider: "openai:gpt-4o-mini", prompt: "Answer: {{question}}" },
      context: { test: 0, description: "order status" },
      signals: { tone: 1, latency_ms: 812, input_tokens: 48 },
    });
    expect(sessions.get("5e0f6d1e-0002")).toMatchObject({ score: 0, signals: { error: 1 } });
    await test.close();
  });

  it("makes one session of the spans of a trace, and passes over a line that is cut off", async () => {
    const test = await openTest();
    const result = await importedFile(test, "otlp-traces.jsonl");
    expect(result).toMatchObject({ format: "otlp", records: 4, sessions: 2, signals: 4, refused: 1 });
    expect(result.refusals).toEqual([{ place: "line 4", reason: expect.stringContaining("not JSON") }]);
    const sessions = await stored(test);
    expect(sessions.get("5b8efff798038103d269b633813fc60c")).toMatchObject({
      ...{ unit: "conv-1", score: 0.75, startedAtMs: 1791357600000, endedAtMs: 1791357604000 },
      config: { agent: "support", model: "m-large", provider: "openai" },
      context: { service: "support-bot" },
      // What the agent's span says again counts once.
      signals: { Relevance: ["explicit", 0.75], input_tokens: 812, output_tokens: 40 },
    });
    expect(sessions.get("6c8efff798038103d269b633813fc60d")?.signals).toEqual({ error: 1 });
    await test.close();
  });

  it("takes any file by a mapping, and tells what it refuses and why", async () => {
    const test = await openTest();
    const mapping = JSON.parse(readFileSync(fixture("ratings-mapping.json"), "utf8"));
    const result = await importedFile(test, "ratings.csv", { mapping });
    expect(result).toMatchObject({ format: "csv", records: 5, sessions: 3, signals: 8, refused: 2 });
    expect(result.refusals.map(({ place }) => place)).toEqual(["line 5", "line 6"]);
    const sessions = await stored(test);
    expect(sessions.get("c-2")).toMatchObject({
      ...{ unit: "user-2", score: 0, context: { branch: "try/brief" } },
      config: { model: "m-large", prompt: "v4", temperature: 0 },
      signals: { stars: ["explicit", 0], refund_free: ["implicit", 0], latency_ms: 8000 },
    });
    expect(sessions.get("c-3")).toMatchObject({ score: 1 });
    const configs = await (await test.engine.project("support")).configs();
    expect(configs[1]).toMatchObject({ role: "elsewhere", reason: "imported from csv", parent: null });
    await test.close();
  });

  it("changes nothing when it is repeated, and passes over what is settled when it is resumed", async () => {
    const test = await openTest();
    const names = [
      "langfuse-scores.jsonl",
      "braintrust-experiment.json",
      "promptfoo-results.json",
      "otlp-traces.jsonl",
    ];
    for (const name of names) await importedFile(test, name);
    test.clock.advance(3_600_000);
    const before = await everything(test);
    for (const resume of [false, true])
      for (const name of names)
        expect(await importedFile(test, name, { resume }), name).toMatchObject({ sessions: 0, signals: 0 });
    expect(await everything(test)).toBe(before);
    await test.close();
  });

  it("keeps what a later file says of a settled session as late", async () => {
    const test = await openTest();
    const score = (id: string, value: number) =>
      `${JSON.stringify({ id, traceId: "t", name: "thumbs", value, dataType: "BOOLEAN", timestamp: 1790000000 })}\n`;
    await imported(test, score("a", 1));
    test.clock.advance(1000);
    const grown = await imported(test, score("a", 1) + score("b", 0));
    expect(grown).toMatchObject({ sessions: 0, known: 1, signals: 1, late: 1 });
    expect((await stored(test)).get("t")).toMatchObject({ score: 1 });
    await test.close();
  });

  it("goes on where it was cut off, whatever was stored by then", async () => {
    const lines = Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({ id: `s-${i}`, score: (i % 5) / 4 }),
    );
    const test = await openTest();
    const cutOff = async function* () {
      yield* piecesOf(lines.slice(0, 2000).join("\n"))();
      throw new Error("the disk was pulled out");
    };
    const importing = test.engine.transfer.importSessions("support", cutOff);
    await expect(importing).rejects.toThrow("pulled out");
    const first = await imported(test, lines.join("\n"), { resume: true });
    expect(first.known + first.sessions).toBe(3000);
    expect(await imported(test, lines.join("\n"))).toMatchObject({ known: 3000, sessions: 0, refused: 0 });
    const scores = [...(await stored(test)).values()].map(({ score }) => score);
    expect(scores).toHaveLength(3000);
    expect(scores.filter((score) => score === 0.25)).toHaveLength(600);
    await test.close();
  });

  it("writes nothing in a dry run, and counts as if it did", async () => {
    const test = await openTest();
    const before = await everything(test);
    const would = await importedFile(test, "braintrust-experiment.json", { dryRun: true });
    expect(await everything(test)).toBe(before);
    const did = await importedFile(test, "braintrust-experiment.json");
    expect({ ...would, isDryRun: false }).toEqual(did);
    await test.close();
  });

  it("refuses another outcome or config of a session that was imported before", async () => {
    const test = await openTest();
    await imported(test, '{"id":"a","score":1,"config":{"n":1}}\n{"id":"b","score":1}');
    const text =
      '{"id":"a","score":1,"config":{"n":2}}\n{"id":"b","score":0}\n{"id":"c","score":2}\n{"id":"d","config":3}\n[]\n';
    const { refusals } = await imported(test, text);
    expect(refusals.map(({ place }) => place).sort()).toEqual([
      "line 1",
      "line 2",
      "line 3",
      "line 4",
      "line 5",
    ]);
    const reasons = refusals.map(({ reason }) => reason).join("\n");
    expect(reasons).toMatch(/with another config/);
    expect(reasons).toMatch(/with another body/);
    // What is passed over is not compared.
    expect(await imported(test, '{"id":"b","score":0}', { resume: true })).toMatchObject({
      known: 1,
      refused: 0,
    });
    await test.close();
  });

  it("tells sessions without ids apart, unless the mapping says where an id is", async () => {
    const test = await openTest();
    const text = '{"score":1}\n{"score":1}\n{"score":0}\n';
    expect(await imported(test, text)).toMatchObject({ sessions: 3 });
    expect(await imported(test, text)).toMatchObject({ sessions: 0, known: 3 });
    const refused = await imported(test, text, { mapping: { session: "run" } });
    expect(refused.refusals[0]).toEqual({ place: "line 1", reason: "it lacks the session's id" });
    await test.close();
  });

  it("refuses secrets, private texts, and a config for each session", async () => {
    const test = await openTest();
    const secret = '{"id":"s","config":{"apiKey":"sk-abcdefghijklmnopqrstuvwxyz012345"}}';
    expect((await imported(test, secret)).refusals[0]?.reason).toContain("looks like a secret");
    const prompts = Array.from({ length: 700 }, (_, i) => JSON.stringify({ id: `p-${i}`, config: { i } }));
    const before = await everything(test);
    await expect(imported(test, prompts.join("\n"))).rejects.toThrow(/more than 500 configs/);
    expect(await everything(test)).toBe(before);
    await test.close();
  });

  it("refuses a document that breaks off or has no records, formats and mappings that are none", async () => {
    const test = await openTest();
    const refused: [string, ImportOptions, string, RegExp][] = [
      ['[{"id":"a","score":1},{"id":', {}, "input_invalid", /not JSON after record 1/],
      ['{"results":{}}\n\n', { format: "promptfoo" }, "input_invalid", /no records at \$\.results/],
      ["{}", { format: "excel" as never }, "input_invalid", /no format 'excel'/],
      ["{}", { mapping: { session: 1 } as never }, "mapping_invalid", /session: /],
      ["{}", { actor: "" }, "settings_invalid", /actor/],
    ];
    for (const [text, options, code, message] of refused)
      await expect(imported(test, text, options), text).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    await test.close();
  });

  it("takes back its own CSV and JSON lines, in another database", async () => {
    const test = await openTest();
    const bot = await test.engine.project("support");
    for (const [i, plan] of ["=1+1", "'quoted", "-x"].entries()) {
      const session = await bot.session({ id: `own-${i}`, unit: plan, context: { plan } });
      await session.end({ score: i / 2 });
    }
    await test.close();
    const from = temporaryDatabase();
    const source = await openTest(from);
    const again = await source.engine.project("support");
    await (await again.session({ id: "own-0", unit: "=1+1", context: { plan: "=1+1" } })).end({ score: 0.5 });
    await source.close();
    for (const format of ["csv", "jsonl"]) {
      const file = join(temporaryFolder(), `sessions.${format}`);
      await cli("export", "--what", "sessions", "--format", format, "--out", file, "--db", from);
      const to = temporaryDatabase();
      await (await openTest(to)).close();
      const run = await cli("import", file, "--project", "support", "--db", to, "--json");
      expect(run.json(), format).toMatchObject({ sessions: 1, refused: 0, underChampion: 0 });
      const target = await createTestEngine({ url: to });
      const [session] = [...(await stored(target)).values()];
      expect(session).toMatchObject({
        unit: "=1+1",
        score: 0.5,
        context: { plan: "=1+1" },
        config: CHAMPION,
      });
      await target.close();
    }
  });

  it("is in the log, and its scores are what simulations draw from", async () => {
    const db = temporaryDatabase();
    await (await openTest(db)).close();
    const lines = Array.from({ length: 40 }, (_, i) =>
      JSON.stringify({ id: `s-${i}`, score: i % 4 ? 1 : 0 }),
    );
    const file = join(temporaryFolder(), "sessions.jsonl");
    writeFileSync(file, lines.join("\n"));
    await cli("import", file, "--project", "support", "--db", db);
    expect((await cli("history", "support", "--db", db)).out).toContain(
      "imported 40 sessions recorded elsewhere (jsonl)",
    );
    const plan = await cli("simulate", "--project", "support", "--runs", "20", "--json", "--db", db);
    expect(plan).toMatchObject({ code: 0 });
  });
});

describe("dethrone import", () => {
  it("says what was imported and what was not, and exits 2 for that where it is told to be strict", async () => {
    const db = temporaryDatabase();
    await (await openTest(db)).close();
    const args = ["import", fixture("ratings.csv"), "--map", fixture("ratings-mapping.json"), "--db", db];
    const dry = await cli(...args, "--project", "support", "--dry-run");
    expect(dry).toMatchObject({ code: 0, err: "" });
    expect(dry.out).toContain("Would import 3 sessions with 8 signals into support, out of 5 records (csv).");
    const run = await cli(...args, "--project", "support", "--strict");
    expect(run.code).toBe(2);
    expect(run.out).toContain(
      '    line 5: the start must be a time since 1970: a number, or ISO 8601; received "yesterday"',
    );
  });

  it("refuses what it cannot read", async () => {
    const db = temporaryDatabase();
    await (await openTest(db)).close();
    const refused: [string[], number, RegExp][] = [
      [[fixture("ratings.csv")], 2, /--project is missing/],
      [[fixture("nowhere.csv"), "--project", "support"], 2, /Cannot read/],
      [[fixture("ratings.csv"), "--project", "nobody"], 3, /no project 'nobody'/],
      [[fixture("ratings.csv"), "--project", "support", "--map", fixture("ratings.csv")], 2, /not JSON/],
    ];
    for (const [args, code, message] of refused) {
      const run = await cli("import", ...args, "--db", db);
      expect(run, args.join(" ")).toMatchObject({ code, err: expect.stringMatching(message) });
    }
    const all = join(temporaryFolder(), "all.jsonl");
    await cli("export", "--out", all, "--db", db);
    const taken = await cli("import", all, "--project", "support", "--db", temporaryDatabase());
    expect(taken).toMatchObject({ code: 2, err: expect.stringContaining("taken as it is") });
    const restored = await cli("import", all, "--db", temporaryDatabase());
    expect(restored.out).toMatch(/holds all \d+ rows; each was compared/);
  });
});
