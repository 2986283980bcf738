import { expect, it } from "vitest";
import { testApp } from "../support/app.js";
import { query } from "../support/query.js";
import { LONG, SHORT, useSetting } from "../support/setting.js";

const setting = useSetting();

it("a project's life, over HTTP alone", async () => {
  const { ask } = testApp(setting.test);
  const made = await ask("POST", "/v1/projects", { body: { key: "support", champion: LONG } });
  expect(made).toMatchObject({ status: 201, body: { key: "support", champion: { config: LONG } } });
  expect(await ask("POST", "/v1/projects", { body: { key: "support", champion: LONG } })).toMatchObject({
    status: 409,
    body: { code: "project_exists", type: "urn:dethrone:error:project_exists" },
  });
  const contest = await ask("POST", "/v1/projects/support/experiments", {
    body: { challengers: SHORT, share: 0.5, label: "short" },
  });
  expect(contest).toMatchObject({ status: 200, body: { started: true, status: "started" } });
  const { id } = (contest.body as { experiment: { id: string } }).experiment;

  const session = await ask("POST", "/v1/projects/support/sessions", {
    body: { unit: "user-1", context: { plan: "pro" } },
  });
  expect(session).toMatchObject({ status: 201, body: { experiment: id, unit: "user-1", isResumed: false } });
  const sessionId = (session.body as { id: string }).id;
  const signal = { name: "cost_usd", value: 0.01, key: "k" };
  for (const status of ["recorded", "duplicate"]) {
    expect(await ask("POST", `/v1/sessions/${sessionId}/signals`, { body: signal })).toMatchObject({
      status: 200,
      body: { status },
    });
  }
  expect(await ask("POST", `/v1/sessions/${sessionId}/end`, { body: { score: true } })).toMatchObject({
    body: { status: "recorded" },
  });
  expect(await ask("GET", `/v1/sessions/${sessionId}`)).toMatchObject({
    body: { score: 1, context: { plan: "pro" }, signals: [{ name: "cost_usd", value: 0.01 }] },
  });
  expect(await ask("GET", "/v1/sessions?unit=user-1")).toMatchObject({
    body: { sessions: [{ id: sessionId }], nextCursor: null },
  });

  expect(await ask("POST", "/v1/ticks", { body: {} })).toMatchObject({
    body: { results: [{ project: "support", experiment: id, verdict: "continue", sessionCount: 1 }] },
  });
  expect(await ask("GET", "/v1/projects")).toMatchObject({
    body: {
      projects: [{ key: "support", sessionsToday: 1, experiment: { id, standing: { sessionCount: 1 } } }],
    },
  });
  const of = `/v1/projects/support/experiments/${id.slice(0, 13)}`;
  for (const which of [of, "/v1/projects/support/experiments/current"]) {
    expect(await ask("GET", `${which}/evaluation`)).toMatchObject({ body: { sessionCount: 1 } });
    expect(await ask("GET", `${which}/report`)).toMatchObject({
      body: { experiment: id, project: "support" },
    });
  }
  const because = { reason: "to see", actor: "ada" };
  for (const verb of ["pause", "resume"])
    expect(await ask("POST", `${of}/${verb}`, { body: because })).toMatchObject({ status: 200, body: {} });
  expect(await ask("POST", `${of}/revise`, { body: { ...because, horizon: 500 } })).toMatchObject({
    status: 200,
  });
  expect(await ask("PATCH", of, { body: { ...because, owner: "ada" } })).toMatchObject({
    body: { owner: "ada" },
  });
  expect(await ask("POST", `${of}/promote`, { body: because })).toMatchObject({ status: 200 });
  expect(await ask("POST", `${of}/pause`, { body: because })).toMatchObject({
    status: 409,
    body: { code: "transition_illegal" },
  });
  const decisions = await ask("GET", "/v1/decisions?project=support");
  expect(decisions.body).toMatchObject({
    decisions: [{ verdict: "promote", reason: "manual", actor: "ada (server)" }],
  });
  const { uid } = (decisions.body as { decisions: { uid: string }[] }).decisions[0]!;
  expect(await ask("GET", `/v1/decisions/${uid}`)).toMatchObject({
    body: { uid, evaluation: { sessionCount: 1 } },
  });
  expect(await ask("POST", `/v1/decisions/${uid}/verify`)).toMatchObject({ body: { isEqual: true } });
  expect(await ask("GET", "/v1/projects/support/configs")).toMatchObject({
    body: { configs: [{ role: "former champion" }, { role: "champion", label: "short" }] },
  });
  const diff = await ask("GET", "/v1/projects/support/diff?before=short&after=short");
  expect(diff.body).toEqual({ changes: [] });
  expect(await ask("POST", "/v1/projects/support/rollback", { body: because })).toMatchObject({
    body: { champion: LONG },
  });
  const history = await ask("GET", "/v1/projects/support/history?limit=2");
  expect(history.body).toMatchObject({ entries: [{ action: "rollback" }, { action: "promoted" }] });
  const { nextCursor } = history.body as { nextCursor: string };
  const rest = await ask("GET", `/v1/projects/support/history?limit=200&cursor=${nextCursor}`);
  expect((rest.body as { entries: { action: string }[] }).entries.map(({ action }) => action)).toEqual([
    ...["edited", "revised", "resumed", "paused", "started", "created"],
  ]);
});

it("drafts, overrides, labels and the holdout", async () => {
  await setting.project();
  const { ask } = testApp(setting.test);
  const because = { reason: "to see" };
  const startsAtMs = setting.test.clock.now() + 86_400_000;
  const draft = await ask("POST", "/v1/projects/support/drafts", {
    body: { challengers: [SHORT], startsAtMs },
  });
  expect(draft.body).toMatchObject({ status: "drafted", experiment: { status: "draft", startsAtMs } });
  const { id } = (draft.body as { experiment: { id: string } }).experiment;
  const of = `/v1/projects/support/experiments/${id}`;
  expect(await ask("PATCH", of, { body: { ...because, share: 0.3 } })).toMatchObject({
    body: { share: 0.3 },
  });
  expect(await ask("POST", `${of}/start`, { body: because })).toMatchObject({ body: { status: "running" } });
  const preview = await ask("POST", "/v1/projects/support/preview", {
    body: { challengers: { prompt: "x" } },
  });
  expect(preview.body).toMatchObject({ known: { status: "overlap", experiment: id } });
  const unit = "/v1/projects/support/overrides/user%2F1";
  expect(await ask("PUT", unit, { body: { ...because, arm: "challenger" } })).toMatchObject({ status: 200 });
  expect(await ask("GET", "/v1/projects/support/overrides")).toMatchObject({
    body: { overrides: [{ unit: "user/1", arm: 1 }] },
  });
  expect((await ask("GET", "/v1/projects/support/snapshot")).body).toMatchObject({
    experiment: { id, overrides: { "user/1": 1 }, arms: [{ role: "champion" }, { role: "challenger" }] },
  });
  expect(
    await ask("PUT", "/v1/projects/support/holdout", { body: { ...because, share: 0.1 } }),
  ).toMatchObject({
    status: 200,
  });
  expect(await ask("GET", "/v1/projects/support")).toMatchObject({ body: { holdout: 0.1, ledger: {} } });
  await ask("POST", `${of}/abort`, { body: because });
  expect(await ask("POST", `${of}/archive`, { body: because })).toMatchObject({ status: 200 });
  expect((await ask("GET", "/v1/projects/support/experiments")).body).toEqual({ experiments: [] });
  expect(await ask("GET", "/v1/projects/support/experiments?archived=true")).toMatchObject({
    body: { experiments: [{ id }] },
  });
});

it("what a client tells arrives in order, at the time that its clock means", async () => {
  await setting.project();
  const { ask } = testApp(setting.test);
  const { clock } = setting.test;
  const snapshot = await ask("GET", "/v1/projects/support/snapshot");
  const etag = snapshot.headers.get("etag")!;
  expect(
    await ask("GET", "/v1/projects/support/snapshot", { headers: { "if-none-match": etag } }),
  ).toMatchObject({
    status: 304,
    text: "",
  });
  const { champion } = snapshot.body as { champion: { hash: string } };
  // The client's clock is an hour fast.
  const sentAtMs = clock.now() + 3_600_000;
  const start = {
    ...{ type: "start", id: "s-1", project: "support", config: champion.hash, experiment: null, arm: null },
    ...{ unit: null, shares: null, excluded: null, context: null, root: null, atMs: sentAtMs - 5000 },
  };
  const end = { type: "end", session: "s-1", score: 1, atMs: sentAtMs - 1000 };
  const unknown = { ...end, session: "nobody" };
  const sent = await ask("POST", "/v1/records", { body: { sentAtMs, operations: [start, end, unknown] } });
  expect(sent.body).toMatchObject({
    results: [
      { status: "started", session: { id: "s-1", config: { hash: champion.hash, body: null } } },
      { status: "recorded" },
      { status: "failed", error: { code: "session_not_found", kind: "not_found" } },
    ],
  });
  expect(await ask("GET", "/v1/sessions/s-1")).toMatchObject({
    body: { startedAtMs: clock.now() - 5000, endedAtMs: clock.now() - 1000 },
  });
});

it("a session that has been answered is on disk", async () => {
  const bot = await setting.contest();
  const { ask } = testApp(setting.test);
  const rows = (id: string) => query(setting.path, "SELECT id FROM sessions WHERE id = ?", [id]);
  const { body } = await ask("POST", "/v1/projects/support/sessions", { body: {} });
  expect(await rows((body as { id: string }).id)).toHaveLength(1);
  for (const options of [{}, { unit: "user-1" }, { unit: "user-1" }]) {
    const { id } = await bot.session({ ...options, durable: true });
    expect(await rows(id)).toHaveLength(1);
  }
});

it("simulations and plans are answered, and bounded", async () => {
  const { ask } = testApp(setting.test);
  const simulated = await ask("POST", "/v1/simulations", { body: { effect: 0.2, horizon: 200, runs: 50 } });
  expect(simulated.body).toMatchObject({
    runs: 50,
    policies: [{ policy: "calibrated" }, { policy: "threshold" }],
  });
  const plan = await ask("POST", "/v1/plans", { body: { effect: 0.2, horizon: 200, runs: 50 } });
  expect(plan.body).toMatchObject({ runs: 50, horizon: 200 });
  const large = { horizon: 100_000, runs: 10_000 };
  expect(await ask("POST", "/v1/simulations", { body: large })).toMatchObject({ status: 400 });
  expect(await ask("POST", "/v1/plans", { body: { horizon: 1e6 } })).toMatchObject({ status: 400 });
});

it("health, readiness, metrics and the document", async () => {
  await setting.contest();
  const { ask } = testApp(setting.test);
  expect(await ask("GET", "/healthz")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await ask("GET", "/readyz")).toMatchObject({ status: 200, body: { status: "ok" } });
  expect(await ask("GET", "/v1/health")).toMatchObject({ body: { status: "ok", queueLength: 0 } });
  expect((await ask("GET", "/openapi.json")).body).toMatchObject({ openapi: "3.1.0" });
  const { text } = await ask("GET", "/metrics");
  expect(text).toContain('dethrone_http_requests_total{route="isReady",status="200"} 1');
  expect(text).toContain('dethrone_experiment_promotion_evidence{project="support"} 0');
  expect(text).toMatch(/dethrone_http_request_seconds_bucket\{route="isLive",le="\+Inf"\} 1/);
  await setting.test.close();
  expect(await ask("GET", "/healthz")).toMatchObject({ status: 200 });
  expect(await ask("GET", "/readyz")).toMatchObject({ status: 503, body: { code: "engine_closed" } });
});
