import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const TERSE = { prompt: "terse" };

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;
let path: string;

beforeEach(async () => {
  logger = recordingLogger();
  path = temporaryDatabase();
  test = await createTestEngine({ seed: 5, logger, url: path });
});

afterEach(() => test.close());

async function contest() {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge([SHORT, TERSE], { share: 0.6, policy: { fuse: { minSessions: 20, errorRate: 0.5 } } });
  return bot;
}

/** Sessions of which those under some prompts fail; how often each prompt was served. */
async function play(count: number, failing: readonly string[]): Promise<Record<string, number>> {
  const bot = await test.engine.project<{ prompt: string }>("support");
  const served: Record<string, number> = { long: 0, short: 0, terse: 0 };
  const answer = bot.wrap(
    ({ config: { prompt } }) => {
      served[prompt] = (served[prompt] ?? 0) + 1;
      if (failing.includes(prompt)) throw new Error("down");
    },
    // Left to signals: nothing settles, so no other rule can decide.
    { score: () => undefined, onError: () => "missing" },
  );
  // Time stands still meanwhile, but the writer's answers arrive.
  for (let i = 0; i < count; i += 1) {
    await answer().catch(() => undefined);
    if (i % 20 === 19) await test.engine.flush();
  }
  return served;
}

const fuseMessages = () =>
  logger.messages.filter(({ level, message }) => level === "error" && message.startsWith("fuse: "));

describe("the fuse of one of several challengers", () => {
  it("takes that one out and lets the others go on", async () => {
    const bot = await contest();
    const before = await play(90, ["terse"]);
    expect(before.terse).toBe(20);
    expect(fuseMessages()).toHaveLength(1);
    const [experiment] = await test.engine.experiments("support");
    expect(experiment).toMatchObject({
      status: "running",
      arms: [{ out: null }, { out: null }, { out: "fuse" }],
    });
    const after = await play(100, ["terse"]);
    expect(after.terse).toBe(0);
    expect(after.short).toBeGreaterThan(15);
    expect((await bot.session({ unit: "u" })).experiment).not.toBeNull();
  });

  it("blows for the next one too, and with the last the experiment ends", async () => {
    await contest();
    await play(90, ["terse"]);
    const { short } = await play(300, ["short"]);
    expect(short).toBeLessThan(40);
    expect(fuseMessages()).toHaveLength(2);
    expect(await test.engine.experiments("support")).toMatchObject([{ status: "aborted" }]);
    expect(await play(50, ["short"])).toEqual({ long: 50, short: 0, terse: 0 });
  });

  it("sends everyone to the champion until the tick it asks for has been heard of", async () => {
    const bot = await contest();
    const ends: Promise<unknown>[] = [];
    const sessions = await Promise.all(Array.from({ length: 200 }, () => bot.session()));
    // In one turn: the failures are known here, and the tick has not been able to run yet.
    for (const session of sessions) {
      if (session.place === 2) ends.push(session.signal({ name: "error", value: 1 }));
      ends.push(session.end());
    }
    const next = await Promise.all(Array.from({ length: 20 }, () => bot.session()));
    expect(next.map(({ experiment }) => experiment)).toEqual(Array(20).fill(null));
    await Promise.all(ends);
    await test.engine.flush();
    expect((await bot.session({ unit: "u" })).experiment).not.toBeNull();
  });

  it("gives a challenger that the database does not blame another try, a minute after its own failures", async () => {
    await contest();
    await play(90, ["terse"]);
    await using other = await createTestEngine({ seed: 6, url: path });
    const elsewhere = await other.engine.project("support");
    await other.runSessions(800, async () => {
      await (await elsewhere.session()).end();
    });
    test.clock.advance(30_000);
    expect((await play(300, ["short"])).short).toBeLessThan(40);
    // A minute after the first challenger's failures, half a minute after the second's.
    test.clock.advance(30_001);
    expect((await play(40, [])).short).toBe(0);
    test.clock.advance(30_000);
    expect((await play(40, [])).short).toBeGreaterThan(3);
    expect(await test.engine.experiments("support")).toMatchObject([{ status: "running" }]);
  });

  it("tells the failures of one challenger from those of another", async () => {
    await contest();
    const bot = await test.engine.project<{ prompt: string }>("support");
    // Ten of each: together they would blow it.
    const failures = { short: 10, terse: 10 } as Record<string, number>;
    const answer = bot.wrap(
      ({ config: { prompt } }) => {
        if ((failures[prompt] ?? 0) <= 0) return;
        failures[prompt] = (failures[prompt] as number) - 1;
        throw new Error("down");
      },
      { score: () => undefined, onError: () => "missing" },
    );
    await test.runSessions(60, () => answer().catch(() => undefined));
    await test.engine.flush();
    expect(failures).toEqual({ short: 0, terse: 0 });
    expect(fuseMessages()).toEqual([]);
  });
});
