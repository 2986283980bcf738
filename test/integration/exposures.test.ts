import { channel } from "node:diagnostics_channel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEngine, type Exposure, recordingSink } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const BECAUSE = { reason: "because" };

const sink = recordingSink();
let test: TestEngine;

beforeEach(async () => {
  sink.clear();
  test = await createTestEngine({ seed: 5, exposures: [sink] });
});

afterEach(() => test.close());

async function contest(options = {}) {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, ...options });
  return bot;
}

async function told(): Promise<readonly Exposure[]> {
  await test.engine.flush();
  return sink.exposures;
}

describe("an exposure", () => {
  it("is told of once for each assignment, repeats and new units alike, with experiment, arm, unit and request", async () => {
    const bot = await contest();
    const first = await bot.session({ unit: "ada", requestId: "req-1" });
    const repeat = await bot.session({ unit: "ada", requestId: "req-2" });
    const other = await bot.session();
    const [experiment] = await test.engine.experiments("support");
    const arm = experiment!.arms[first.place]!;
    expect(await told()).toEqual([
      {
        project: "support",
        experiment: first.experiment,
        session: first.id,
        arm: first.arm,
        place: first.place,
        config: arm.config.hash,
        label: null,
        unit: "ada",
        share: 0.5,
        requestId: "req-1",
        isOverride: false,
        isEvidence: true,
        excluded: null,
        root: null,
        atMs: test.clock.now(),
      },
      expect.objectContaining({
        session: repeat.id,
        arm: first.arm,
        requestId: "req-2",
        isEvidence: false,
        excluded: "repeat",
      }),
      expect.objectContaining({ session: other.id, unit: null, requestId: null, isEvidence: true }),
    ]);
  });

  it("tells the share of the arm that was served", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.challenge([SHORT, { prompt: "terse" }], { share: [0.2, 0.3] });
    const places = await test.runSessions(40, async () => (await bot.session()).place);
    expect((await told()).map(({ share }) => share)).toEqual(places.map((place) => [0.5, 0.2, 0.3][place]));
    expect(new Set(places).size).toBe(3);
  });

  it("tells the label of the config that was served, as it is by now", async () => {
    const bot = await contest({ share: 0.99, label: "brief" });
    await bot.session({ unit: "ada" });
    await bot.label("brief", "terse", BECAUSE);
    await bot.session({ unit: "bob" });
    expect((await told()).map(({ arm, label }) => [arm, label])).toEqual([
      ["challenger", "brief"],
      ["challenger", "terse"],
    ]);
  });

  it("of an override is flagged", async () => {
    const bot = await contest({ share: 0 });
    await bot.override("ada", "challenger", BECAUSE);
    await bot.session({ unit: "ada" });
    await bot.session({ unit: "bob" });
    expect(await told()).toMatchObject([
      { unit: "ada", arm: "challenger", share: 0, isOverride: true, isEvidence: false, excluded: "override" },
      { unit: "bob", arm: "champion", share: 1, isOverride: false, isEvidence: false, excluded: "share" },
    ]);
  });

  it("is of new sessions alone: none for one that is resumed or joined", async () => {
    const bot = await contest();
    const root = await bot.session({ id: "conversation-7" });
    await bot.session({ id: "conversation-7" });
    await root.run(() => bot.session());
    await bot.session({ parent: { ...root, root: null } });
    expect((await told()).map(({ session }) => session)).toEqual(["conversation-7"]);
  });

  it("is of the experiment alone: none outside of it, paused, or ended", async () => {
    const bot = await test.engine.project("support", { champion: LONG });
    await bot.session({ unit: "early" });
    await bot.holdout(0.5, BECAUSE);
    await bot.challenge(SHORT, { audience: { where: { plan: "pro" } }, share: 0.5 });
    const sessions = await test.runSessions(40, (i) =>
      bot.session({ unit: `u${i}`, context: { plan: i % 2 ? "pro" : "free" } }),
    );
    await bot.session();
    const inside = sessions.filter(({ experiment }) => experiment !== null);
    expect(inside.length).toBeGreaterThan(3);
    await bot.pause(BECAUSE);
    await bot.session({ unit: "paused" });
    await bot.promote(BECAUSE);
    // After the promotion everyone gets the winner, and nobody is told: nothing is assigned any more.
    expect(await test.runSessions(100, async (i) => (await bot.session({ unit: `w${i}` })).config)).toEqual(
      Array(100).fill(SHORT),
    );
    expect((await told()).map(({ session }) => session)).toEqual(inside.map(({ id }) => id));
  });

  it("of a part of a tree tells its root", async () => {
    const bot = await contest();
    const root = await (await test.engine.project("plan", { champion: LONG })).session();
    const part = await root.run(() => bot.session({ unit: "ada" }));
    expect(await told()).toMatchObject([{ session: part.id, root: root.id }]);
  });

  it("tells of the request a wrapped call gives, and does without where that fails", async () => {
    const bot = await contest();
    const answer = bot.wrap((session) => session.id, {
      requestId: (...[request]: readonly string[]) => {
        if (request === undefined) throw new Error("no request");
        return request;
      },
    });
    const ids = [await (answer as (request?: string) => Promise<string>)("req-1"), await answer()];
    expect(await told()).toMatchObject([
      { session: ids[0], requestId: "req-1" },
      { session: ids[1], requestId: null },
    ]);
    expect(test.engine.health().callbacksFailed).toBe(1);
  });

  it("is published on the channel dethrone:exposure too", async () => {
    const heard: unknown[] = [];
    const listener = (message: unknown) => void heard.push(message);
    channel("dethrone:exposure").subscribe(listener);
    await (await contest()).session();
    expect(heard).toEqual([]);
    await test.engine.flush();
    channel("dethrone:exposure").unsubscribe(listener);
    expect(heard).toEqual(sink.exposures);
    expect(heard).toHaveLength(1);
  });
});

describe("exposures and the host", () => {
  it("a sink that throws or rejects is counted, and neither the agent nor the other sinks notice", async () => {
    const logger = recordingLogger();
    const broken = {
      expose: () => {
        throw new Error("sink");
      },
    };
    const rejecting = { expose: () => Promise.reject(new Error("sink")) };
    const engine = await createEngine({
      url: temporaryDatabase(),
      logger,
      exposures: [broken, sink, rejecting],
    });
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    expect(await bot.wrap(() => 7, { score: () => 1 })()).toBe(7);
    await engine.flush();
    expect(sink.exposures).toHaveLength(1);
    expect(engine.health()).toMatchObject({ status: "ok", listenersFailed: 2 });
    await engine.close();
  });

  it("closing tells what still waits, and waits for no sink for ever", async () => {
    const stuck = await createTestEngine({
      seed: 5,
      exposures: [sink, { expose: () => new Promise(() => undefined) }],
    });
    const bot = await stuck.engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    await bot.session();
    const closing = stuck.close();
    stuck.clock.advance(10_001);
    await closing;
    expect(sink.exposures).toHaveLength(1);
  });

  it("sinks that are none are refused", async () => {
    for (const exposures of ["sink", [{}], [null], {}]) {
      await expect(createEngine({ url: "x.db", exposures: exposures as never })).rejects.toMatchObject({
        code: "settings_invalid",
        details: { field: "exposures" },
      });
    }
  });

  it("a session that the store does not confirm in time, or has no room for, is told of as unconfirmed", async () => {
    let isFull = false;
    const { store } = await faultyStore((real) => ({
      startSession: (start) => (isFull ? real.startSession(start) : new Promise(() => undefined)),
      hasRoom: () => !isFull,
      excludeSession: async () => undefined,
    }));
    const { engine, clock } = await engineOver(async () => store, { exposures: [sink] });
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    const slow = [bot.session({ unit: "ada" }), bot.session({ id: "maybe-resumed" })];
    clock.advance(250);
    await Promise.all(slow);
    isFull = true;
    await bot.session();
    await engine.flush();
    expect(sink.exposures).toMatchObject([
      { unit: "ada", isEvidence: false, excluded: "unconfirmed" },
      { unit: null, isEvidence: false, excluded: "unconfirmed" },
    ]);
    await engine.close();
  });
});
