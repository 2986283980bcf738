import { describe, expect, it } from "vitest";
import { BECAUSE, LONG, play, SHORT, started, useSetting } from "../support/setting.js";

const setting = useSetting();
const DAY_MS = 86_400_000;

describe("all projects at one look", () => {
  it("tells champion, experiment, sessions of today and drafts, in as many queries whatever their number", async () => {
    const bot = await setting.contest({ label: "short" });
    await bot.draft({ prompt: "later" });
    await setting.project("quiet");
    const { engine, clock } = setting.test;
    await play(bot, 10, () => 1);
    clock.advance(DAY_MS);
    await play(bot, 4, () => 1);
    await engine.decide();
    const [quiet, support] = await engine.projects();
    expect(quiet).toMatchObject({
      key: "quiet",
      champion: { config: LONG },
      experiment: null,
      sessionsToday: 0,
    });
    expect(support).toMatchObject({
      key: "support",
      draftCount: 1,
      sessionsToday: 4,
      overdueSinceMs: null,
      experiment: { challenger: SHORT, standing: { sessionCount: 14, horizon: 2000, alarms: [] } },
    });
    // The same numbers as an evaluation has.
    const evaluation = await bot.evaluate();
    for (const name of [
      "probabilityBetter",
      "logSupPromote",
      "logLinePromote",
      "chanceOfPromotion",
      "arms",
    ] as const)
      expect(support?.experiment?.standing[name]).toEqual(evaluation?.[name]);
    expect(await engine.projects({ projects: ["quiet"] })).toMatchObject([{ key: "quiet" }]);
  });

  it("raises an alarm where a person should look", async () => {
    const bot = await setting.contest({ promotion: "approve", policy: { horizon: 200 } });
    const { engine, clock } = setting.test;
    // Sessions that nobody ends, and no tick settles.
    await started(bot, 3);
    await engine.flush();
    clock.advance(DAY_MS + 1);
    expect(await engine.projects()).toMatchObject([{ overdueSinceMs: clock.now() - 1 }]);
    await engine.decide();
    expect(await engine.projects()).toMatchObject([{ overdueSinceMs: null }]);
    await play(bot, 80, (arm) => Number(arm === "challenger"));
    await engine.decide();
    expect(await engine.projects()).toMatchObject([
      { experiment: { isAwaitingApproval: true, standing: { alarms: ["awaiting-approval"] } } },
    ]);
  });

  it("warns of missing outcomes halfway to the line that aborts for them", async () => {
    const bot = await setting.contest({ policy: { horizon: 400 } });
    const { engine, clock } = setting.test;
    // Of the challenger's, every other session says nothing of how it went.
    let nth = 0;
    for (const session of await started(bot, 44)) {
      if (session.arm === "challenger") nth += 1;
      const isMissing = session.arm === "challenger" && nth % 2 === 1;
      await session.end(isMissing ? {} : { score: 1 });
    }
    clock.advance(DAY_MS + 1);
    await engine.decide();
    const [project] = await engine.projects();
    expect(project?.experiment?.standing.alarms).toEqual(["missing"]);
  });
});

describe("pages", () => {
  it("of sessions follow each other, newest first, by whatever is asked", async () => {
    const bot = await setting.contest();
    const { engine, clock } = setting.test;
    const ids: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      clock.advance(1000);
      ids.unshift((await bot.session({ unit: `user-${i % 2}` })).id);
    }
    await engine.flush();
    const first = await engine.sessions({ limit: 3 });
    const second = await engine.sessions({ limit: 3, cursor: first.nextCursor ?? "" });
    const third = await engine.sessions({ limit: 3, cursor: second.nextCursor ?? "" });
    expect([first, second, third].flatMap(({ sessions }) => sessions.map(({ id }) => id))).toEqual(ids);
    expect(third.nextCursor).toBeNull();
    const now = clock.now();
    const [experiment] = await engine.experiments("support");
    const counts = await Promise.all(
      [
        { unit: "user-0" },
        { project: "support", experiment: experiment!.uid },
        { experiment: "none" },
        { arm: 0 },
        { arm: 1 },
        { sinceMs: now - 1000 },
        { untilMs: now - 1000 },
        { project: "nowhere" },
        { projects: [] },
        { project: "support", projects: ["other"] },
      ].map(async (filter) => (await engine.sessions(filter)).sessions.length),
    );
    expect(counts.slice(0, 3)).toEqual([4, 7, 0]);
    expect((counts[3] ?? 0) + (counts[4] ?? 0)).toBe(7);
    expect(counts.slice(5)).toEqual([2, 5, 0, 0, 0]);
  });

  it("of decisions and history follow each other too", async () => {
    const bot = await setting.contest();
    const { engine } = setting.test;
    for (let i = 0; i < 3; i += 1) {
      await bot.abort(BECAUSE);
      await bot.challenge({ prompt: `p-${i}` });
    }
    await bot.abort(BECAUSE);
    const first = await engine.decisions({ project: "support", limit: 3 });
    const rest = await engine.decisions({ project: "support", limit: 3, cursor: first.nextCursor ?? "" });
    expect([first.decisions.length, rest.decisions.length, rest.nextCursor]).toEqual([3, 1, null]);
    const one = first.decisions[0]!;
    const ofOne = await engine.decisions({ project: "support", experiment: one.experiment.slice(0, 30) });
    expect(ofOne.decisions).toEqual([one]);
    expect(await engine.decision(one.uid)).toMatchObject({ verdict: "abort", reason: "manual" });
    await expect(engine.decision(one.uid, { projects: ["other"] })).rejects.toMatchObject({
      code: "decision_not_found",
    });
    const { entries } = await engine.historyPage("support", { limit: 200 });
    expect(entries.map(({ action }) => action).slice(0, 2)).toEqual(["aborted", "started"]);
    expect((await engine.events(entries[2]!.id)).map(({ id }) => id)).toEqual([
      entries[1]!.id,
      entries[0]!.id,
    ]);
    expect(await engine.events(null, 1)).toMatchObject([{ id: entries[0]!.id, project: "support" }]);
  });

  it("that cannot be are refused", async () => {
    const { engine } = setting.test;
    for (const limit of [0, 201, 1.5, Number.NaN])
      await expect(engine.sessions({ limit })).rejects.toMatchObject({ code: "input_invalid" });
    for (const cursor of ["", "!", "zzzzzzzzzzzz", "-1"])
      await expect(engine.sessions({ cursor })).rejects.toMatchObject({ code: "input_invalid" });
  });
});

it("one session is told in full, with its signals, its config and its parts", async () => {
  const bot = await setting.contest({ label: "short" });
  const other = await setting.project("other");
  const { engine } = setting.test;
  const root = await bot.session({ unit: "user-1", context: { plan: "pro" } });
  await root.signal({ name: "thumbs", value: 1, kind: "explicit", source: "web", key: "k" });
  const part = await root.run(() => other.session());
  await root.end({ score: 0.5 });
  const detail = await engine.sessionDetail(root.id);
  expect(detail).toMatchObject({
    id: root.id,
    project: "support",
    unit: "user-1",
    score: 0.5,
    isEvidence: true,
    context: { plan: "pro" },
    configBody: root.config,
    shares: [0.5],
    parts: [part.id],
    signals: [{ name: "thumbs", value: 1, kind: "explicit", source: "web", key: "k", isLate: false }],
  });
  expect(await engine.sessionDetail(part.id)).toMatchObject({ root: root.id, project: "other" });
  await expect(engine.sessionDetail("nobody")).rejects.toMatchObject({ code: "session_not_found" });
});
