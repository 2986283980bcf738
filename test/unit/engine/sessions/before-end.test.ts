import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestEngine, type TestEngine } from "../../../../src/testing.js";

let test: TestEngine;

beforeEach(async () => {
  test = await createTestEngine();
});

afterEach(() => test.close());

describe("beforeEnd", () => {
  it("is called once, before the end is recorded: what it signals counts", async () => {
    const bot = await test.engine.project("support", { champion: { tone: "warm" } });
    await bot.challenge({ tone: "cool" }, { share: 0.5 });
    const session = await bot.session();
    const receipts: unknown[] = [];
    session.beforeEnd(() => {
      void session.signal({ name: "tokens", value: 7 }).then((receipt) => receipts.push(receipt));
    });
    await session.end({ score: 1 });
    await session.end({ score: 1 });
    session.beforeEnd(() => expect.unreachable("the session has ended"));
    await test.engine.flush();
    expect(receipts).toEqual([{ status: "recorded" }]);
    await test.engine.decide();
    const { sessions } = (await bot.report()) ?? { sessions: [] };
    expect(sessions.reduce((sum, { lateSignals }) => sum + lateSignals, 0)).toBe(0);
  });

  it("ends the session whatever it throws, which is counted", async () => {
    const bot = await test.engine.project("support", { champion: { tone: "warm" } });
    const session = await bot.session();
    session.beforeEnd(() => {
      throw new Error("broken");
    });
    expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });
    expect(test.engine.health().callbacksFailed).toBe(1);
  });
});
