import { beforeEach, expect, it } from "vitest";
import { type TestApp, testApp } from "../support/app.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();
let ask: TestApp["ask"];

beforeEach(async () => {
  await setting.project();
  ask = testApp(setting.test).ask;
});

const named = (body: unknown, name = "n-1") => ({ body, headers: { "idempotency-key": name } });

it("a request that names itself is done once, and answered the same again", async () => {
  const body = { key: "new", champion: LONG };
  const first = await ask("POST", "/v1/projects", named(body));
  const again = await ask("POST", "/v1/projects", named(body));
  expect(first).toMatchObject({ status: 201 });
  expect(first.headers.get("idempotent-replayed")).toBeNull();
  expect(again).toMatchObject({ status: 201, text: first.text });
  expect(again.headers.get("idempotent-replayed")).toBe("true");
});

it("a refusal is an answer too, and stays one", async () => {
  const body = { reason: "to see" };
  const at = "/v1/projects/support/experiments/current/pause";
  const first = await ask("POST", at, named(body));
  expect(first).toMatchObject({ status: 404, body: { code: "experiment_not_found" } });
  await (await setting.project()).challenge(SHORT);
  const again = await ask("POST", at, named(body));
  expect(again).toMatchObject({ status: 404, text: first.text });
  expect(again.headers.get("content-type")).toBe("application/problem+json");
  expect(await ask("POST", at, named(body, "n-2"))).toMatchObject({ status: 200 });
});

it("another request under the same name is refused, whatever differs", async () => {
  const start = (unit: string) => ask("POST", "/v1/projects/support/sessions", named({ unit }));
  expect(await start("u-1")).toMatchObject({ status: 201 });
  const mismatch = { status: 409, body: { code: "idempotency_mismatch" } };
  expect(await start("u-2")).toMatchObject(mismatch);
  expect(await ask("POST", "/v1/projects", named({ unit: "u-1" }))).toMatchObject(mismatch);
});

it("of some at once one is done, and the others are told to wait, or what it was answered", async () => {
  const start = () => ask("POST", "/v1/projects/support/sessions", named({}));
  const answers = await Promise.all([start(), start(), start()]);
  const isFirst = ({ status, headers }: (typeof answers)[number]): boolean =>
    status === 201 && headers.get("idempotent-replayed") === null;
  const [first, ...more] = answers.filter(isFirst);
  expect(more).toEqual([]);
  for (const { status, body } of answers.filter((each) => !isFirst(each))) {
    // One that comes when the first has just been answered is answered the same.
    if (status === 201) expect(body).toEqual(first?.body);
    else expect(body).toMatchObject({ status: 409, code: "request_in_progress" });
  }
  const { sessions } = await setting.test.engine.sessions();
  expect(sessions).toHaveLength(1);
});

it("a name is of one key alone, and of one day", async () => {
  const { engine, clock } = setting.test;
  const keys = [];
  for (const name of ["a", "b"]) keys.push((await engine.keys.create({ name, scopes: ["record"] })).key);
  const closed = testApp(setting.test, { open: false });
  const ids = [];
  for (const key of [...keys, ...keys]) {
    const { body } = await closed.ask("POST", "/v1/projects/support/sessions", { key, ...named({}) });
    ids.push((body as { id: string }).id);
  }
  expect(ids[0]).toBe(ids[2]);
  expect(ids[1]).toBe(ids[3]);
  expect(ids[0]).not.toBe(ids[1]);
  clock.advance(86_400_001);
  const { body } = await closed.ask("POST", "/v1/projects/support/sessions", { key: keys[0], ...named({}) });
  expect((body as { id: string }).id).not.toBe(ids[0]);
});

it("what failed here may be tried again under its name, and so may what was cut off", async () => {
  const at = "/v1/projects/support/sessions";
  const { engine, clock } = setting.test;
  const key = { keyId: "", idempotencyKey: "n-1" };
  expect(await engine.replies.begin(key, "x")).toBeNull();
  await expect(engine.replies.begin(key, "x")).rejects.toMatchObject({ code: "request_in_progress" });
  clock.advance(60_001);
  expect(await ask("POST", at, named({}))).toMatchObject({ status: 201 });
  // As where it could not be answered.
  await engine.replies.drop(key);
  expect((await ask("POST", at, named({}))).headers.get("idempotent-replayed")).toBeNull();
});

it("a name that is none is refused", async () => {
  for (const name of ["", "a b", "x".repeat(256)])
    expect(await ask("POST", "/v1/projects/support/sessions", named({}, name))).toMatchObject({
      status: 400,
    });
});
