import { describe, expect, it } from "vitest";
import type { Trajectory } from "../../src/index.js";
import { createTestEngine } from "../../src/testing.js";
import { temporaryDatabase } from "../support/temporary.js";
import { DAY, decideByHand, history } from "../support/upkeep.js";

const SIZE = { seed: 3, sessions: 150, units: 40 };

const timeless = ({ points, ...lines }: Trajectory) => ({
  ...lines,
  points: points.map((point) => ({ ...point, startedAtMs: null })),
});

describe("a project's trajectory", () => {
  it("ends where the evaluation is, and has been through what is on the way", async () => {
    await using test = await history(temporaryDatabase(), SIZE);
    const bot = await test.engine.project("support");
    const { points, logLinePromote } = (await bot.trajectory())!;
    const evaluation = (await bot.evaluate())!;
    expect(logLinePromote).toBe(evaluation.logLinePromote);
    const { arms, perChallenger, ...last } = points.at(-1)!;
    expect(evaluation).toMatchObject(perChallenger[0]!);
    expect(evaluation.arms).toEqual(arms.map((arm) => expect.objectContaining(arm)));
    expect(last).toMatchObject({ index: evaluation.sessionCount, share: 0.5 });
    expect(points.map(({ index }) => index).slice(0, 4)).toEqual([1, 2, 3, 4]);
    const times = points.map(({ startedAtMs }) => startedAtMs as number);
    expect(times).toEqual([...times].sort((left, right) => left - right));
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(60_000);
  });

  it("grows with what is folded, and is the one that another process reads at once", async () => {
    const path = temporaryDatabase();
    await using test = await createTestEngine({ url: path, seed: 5 });
    const bot = await test.engine.project("bot", { champion: { n: 1 } });
    expect(await bot.trajectory()).toBeNull();
    const { experiment } = await bot.challenge(
      { n: 2 },
      { share: 0.5, horizon: 500, policy: { futility: null } },
    );
    expect((await bot.trajectory())?.points).toEqual([]);
    for (let look = 1; look <= 4; look += 1) {
      await test.runSessions(20, async (i) => {
        await (await bot.session()).end({ score: i % 2 });
      });
      if (look === 2)
        await bot.revise({ share: 0.2, horizon: 200, reason: "fewer are enough", actor: "ada" });
      await test.engine.decide();
      const [all, one] = await Promise.all([
        bot.trajectory(),
        bot.trajectory({ experiment: experiment!.id }),
      ]);
      expect(all?.points.at(-1)?.index).toBe(20 * look);
      expect(one).toEqual(all);
    }
    await using other = await createTestEngine({ url: path });
    const same = await other.engine.project("bot");
    const trajectory = (await bot.trajectory())!;
    expect(await same.trajectory()).toEqual(trajectory);
    expect(await same.evaluate()).toMatchObject(trajectory.points.at(-1)!.perChallenger[0]!);
    expect(new Set(trajectory.points.map(({ share }) => share))).toEqual(new Set([0.5, 0.2]));
  });

  it("stays when the sessions are deleted, without their times", async () => {
    const path = temporaryDatabase();
    await using test = await history(path, SIZE);
    await decideByHand(test);
    const bot = await test.engine.project("support");
    const before = (await bot.trajectory())!;
    test.clock.advance(40 * DAY);
    await test.engine.prune({ olderThanMs: 30 * DAY });
    expect(await bot.trajectory()).toEqual(before);
    await using other = await createTestEngine({ url: path });
    const after = await (await other.engine.project("support")).trajectory();
    expect(after).toEqual(timeless(before));
  });
});
