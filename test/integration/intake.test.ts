import { expect, it } from "vitest";
import { identifyConfig } from "../../src/engine/configs/config.js";
import type { Operation, StartOperation } from "../../src/engine/sessions/operations.js";
import { routeOf } from "../../src/engine/sessions/route.js";
import { type IdOf, servedState } from "../../src/engine/sessions/snapshot.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();

const CHAMPION = identifyConfig(LONG).hash;

/** An arm's place as its id; of nothing else is the id looked at. */
const placeOf: IdOf = (_, name) => Number(name.split("/")[1] ?? 0);

/** A session as a process without the database places it. */
async function placed(id: string, more: Partial<StartOperation> = {}): Promise<StartOperation> {
  const { engine, clock } = setting.test;
  const snapshot = await engine.snapshot("support");
  const route = routeOf(servedState(JSON.parse(JSON.stringify(snapshot)), placeOf), {
    unit: more.unit ?? id,
    context: more.context ?? null,
    forced: undefined,
    turn: 0,
  });
  return {
    type: "start",
    id,
    project: "support",
    config: route.config.hash,
    experiment: route.experiment?.uid ?? null,
    arm: route.arm?.id ?? null,
    unit: null,
    shares: route.shares,
    excluded: route.excluded as StartOperation["excluded"],
    context: null,
    root: null,
    atMs: clock.now(),
    ...more,
  };
}

const signal = (session: string, key: string, value: number, atMs = 0): Operation => ({
  ...{ type: "signal", session, key, name: "thumbs", value, kind: "explicit", source: null, atMs },
});

it("sessions placed by a snapshot get the arms that the engine gives them, and count as its own", async () => {
  await setting.contest({ policy: { horizon: 2000 } });
  const { engine, clock } = setting.test;
  const operations: Operation[] = [];
  for (let i = 0; i < 40; i += 1) {
    operations.push(await placed(`s-${i}`));
    operations.push({ type: "end", session: `s-${i}`, score: 1, atMs: clock.now() });
  }
  const results = await engine.record(operations);
  expect(results.map(({ status }) => status)).toEqual(
    Array.from({ length: 80 }, (_, i) => (i % 2 ? "recorded" : "started")),
  );
  expect(await engine.decide()).toMatchObject([{ sessionCount: 40 }]);
  const { sessions } = await engine.sessions({ project: "support" });
  expect(new Set(sessions.map(({ arm }) => arm))).toEqual(new Set([0, 1]));
  expect(sessions.every(({ isEvidence }) => isEvidence)).toBe(true);
});

it("every operation can be repeated", async () => {
  await setting.contest();
  const { engine, clock } = setting.test;
  const operations: Operation[] = [
    await placed("s-1"),
    signal("s-1", "k", 1, clock.now()),
    { type: "end", session: "s-1", score: 1, atMs: clock.now() },
  ];
  const first = await engine.record(operations);
  const second = await engine.record(operations);
  expect(first.map(({ status }) => status)).toEqual(["started", "recorded", "recorded"]);
  expect(second.map(({ status }) => status)).toEqual(["existing", "duplicate", "duplicate"]);
  expect((await engine.sessionDetail("s-1")).signals).toHaveLength(1);
});

it("a unit keeps the arm that is stored, and the answer has the config to serve", async () => {
  await setting.contest();
  const { engine } = setting.test;
  // One that is the challenger's at a share of 0.5, and the champion's at 0.01.
  const unit = "user-4";
  const start = await placed("a", { unit });
  expect(start.arm).toBe(1);
  await engine.record([start]);
  const [result] = await engine.record([{ ...start, id: "b", arm: 0, config: CHAMPION, shares: [0.01] }]);
  expect(result).toMatchObject({
    status: "started",
    session: { arm: 1, excluded: "repeat", config: { hash: identifyConfig(SHORT).hash, body: SHORT } },
  });
});

it("an arm that the hash does not give is refused, and fails alone", async () => {
  await setting.contest();
  const { engine } = setting.test;
  const good = await placed("good");
  const bad = await placed("bad");
  const arm = bad.arm === 0 ? 1 : 0;
  const config = identifyConfig(arm === 0 ? LONG : SHORT).hash;
  const results = await engine.record([{ ...bad, arm, config }, good]);
  expect(results).toMatchObject([
    { status: "failed", error: { code: "input_invalid" } },
    { status: "started" },
  ]);
  const refusals: Partial<StartOperation>[] = [
    { arm: 7 },
    { config: "0".repeat(64) },
    { shares: [] },
    { shares: [1.5] },
    { experiment: "none" },
    { project: "none" },
    { experiment: null, config: "0".repeat(64) },
  ];
  const failed = await engine.record(refusals.map((more) => ({ ...good, id: "x", ...more })));
  expect(failed.map((each) => (each.status === "failed" ? each.error.code : each.status))).toEqual([
    "input_invalid",
    "input_invalid",
    "input_invalid",
    "input_invalid",
    "experiment_not_found",
    "project_not_found",
    "config_not_found",
  ]);
});

it("a start that was a minute on its way is no evidence, and no time lies in the future", async () => {
  await setting.contest();
  const { engine, clock } = setting.test;
  const now = clock.now();
  const late = await placed("late", { atMs: now - 61_000 });
  const early = await placed("early", { atMs: now + 1_000_000 });
  await engine.record([late, early]);
  expect(await engine.sessionDetail("late")).toMatchObject({ isEvidence: false, excluded: "unconfirmed" });
  expect(await engine.sessionDetail("early")).toMatchObject({ isEvidence: true, startedAtMs: now });
});

it("without an experiment a session is its champion's; outside of one it has no arm", async () => {
  const bot = await setting.project();
  const { engine } = setting.test;
  expect(await engine.record([await placed("s-1")])).toMatchObject([
    { status: "started", session: { experiment: null, arm: null, config: { hash: CHAMPION, body: null } } },
  ]);
  await bot.challenge(SHORT, { share: 0.5, audience: { where: { plan: "pro" } } });
  expect(await engine.record([await placed("s-2", { context: { plan: "free" } })])).toMatchObject([
    { session: { experiment: null, arm: null, excluded: "audience" } },
  ]);
  expect(await engine.sessionDetail("s-2")).toMatchObject({ context: { plan: "free" }, isEvidence: false });
});

it("who stays outside cannot be told as evidence", async () => {
  await setting.contest({ audience: { where: { plan: "pro" } } });
  const { engine } = setting.test;
  const inside = await placed("s-1", { context: { plan: "pro" } });
  const outside = { ...inside, id: "s-1", context: { plan: "free" } };
  expect(await engine.record([outside, inside])).toMatchObject([
    { status: "failed", error: { code: "input_invalid", details: { field: "excluded" } } },
    { status: "started", session: { excluded: null } },
  ]);
});

it("what is excluded leaves the evidence until it settles", async () => {
  await setting.contest();
  const { engine } = setting.test;
  await engine.record([await placed("s-1"), { type: "exclude", session: "s-1", served: null }]);
  expect(await engine.sessionDetail("s-1")).toMatchObject({ isEvidence: false, excluded: "unconfirmed" });
});

it("what a session was served stands, where its unit had another arm", async () => {
  await setting.contest();
  const { engine } = setting.test;
  const unit = "user-4";
  await engine.record([await placed("a", { unit })]);
  const { experiment } = await placed("b");
  const served = { project: "support", config: CHAMPION, experiment, arm: 0 };
  const results = await engine.record([
    await placed("b", { unit }),
    { type: "exclude", session: "b", served },
    { type: "exclude", session: "b", served: { ...served, arm: 1 } },
    { type: "exclude", session: "b", served: { ...served, project: "other" } },
  ]);
  expect(results).toMatchObject([
    { session: { arm: 1 } },
    { status: "excluded" },
    { status: "failed", error: { code: "input_invalid", details: { field: "config" } } },
    { status: "failed", error: { code: "project_not_found" } },
  ]);
  expect(await engine.sessionDetail("b")).toMatchObject({
    arm: 0,
    config: CHAMPION,
    excluded: "unconfirmed",
  });
});

it("a session can be looked up, one that begins in the same batch too", async () => {
  await setting.contest();
  const { engine } = setting.test;
  const look = (session: string): Operation => ({ type: "look", session });
  const results = await engine.record([look("s-1"), await placed("s-1", { unit: "user-4" }), look("s-1")]);
  expect(results).toMatchObject([
    { status: "failed", error: { code: "session_not_found" } },
    { status: "started" },
    {
      status: "existing",
      session: { project: "support", unit: "user-4", arm: 1, isNew: false, config: { body: SHORT } },
    },
  ]);
});

it("who may write to some projects cannot reach the sessions of others, whatever its batch says", async () => {
  await setting.contest();
  await setting.contest({}, "other");
  const { engine, clock } = setting.test;
  await engine.record([await placed("theirs")]);
  const projects = ["other"];
  const end: Operation = { type: "end", session: "theirs", score: 1, atMs: clock.now() };
  const config = CHAMPION;
  const own = {
    ...(await placed("mine")),
    project: "other",
    experiment: null,
    arm: null,
    shares: null,
    config,
  };
  const results = await engine.record(
    [end, { ...own, id: "theirs" }, end, await placed("s-9"), own, { ...end, session: "mine" }],
    { projects },
  );
  expect(results.map((each) => (each.status === "failed" ? each.error.code : each.status))).toEqual([
    "session_not_found",
    "project_not_found",
    "session_not_found",
    "project_not_found",
    "started",
    "recorded",
  ]);
  await expect(engine.sessionDetail("theirs", { projects })).rejects.toMatchObject({
    code: "session_not_found",
  });
  // Who may write everywhere is told that the id is taken.
  expect(await engine.record([{ ...own, id: "theirs" }])).toMatchObject([
    { status: "failed", error: { code: "idempotency_mismatch" } },
  ]);
});
