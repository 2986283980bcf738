import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client/client.js";
import { clientOf, serverOf } from "../support/client.js";
import { eventually } from "../support/eventually.js";
import { BECAUSE, type Bot, LONG, SHORT, TERSE, useSetting } from "../support/setting.js";

const setting = useSetting();

type Fetch = typeof fetch;

/** The server behind a line that can be cut, or answer something else. */
function line(options?: Parameters<typeof serverOf>[1]) {
  const server = serverOf(setting.test, options);
  const requests: string[] = [];
  const state: { instead: Fetch | null } = { instead: null };
  const through: Fetch = (...asked) => {
    const [input, init] = asked;
    requests.push(`${init?.method} ${new URL(String(input)).pathname}`);
    return (state.instead ?? server)(...asked);
  };
  const cut: Fetch = () => Promise.reject(new TypeError("fetch failed"));
  return {
    requests,
    fetch: through,
    cut: () => {
      state.instead = cut;
    },
    answer: (status: number, body: unknown, headers: Record<string, string> = {}) => {
      state.instead = async () =>
        new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
    },
    hang: () => {
      state.instead = () => new Promise(() => undefined);
    },
    mend: () => {
      state.instead = null;
    },
  };
}

async function botOf(client: Client, champion: typeof LONG = LONG): Promise<Bot> {
  return (await client.project("support", { champion })) as unknown as Bot;
}

/** Lets time pass until something holds. */
async function passing(holds: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(async () => {
    setting.test.clock.advance(1000);
    expect(await holds()).toBe(true);
  });
}

/** Lets an answer that hangs be given up, and asked for again of a server that is back. */
async function timedOut(wire: ReturnType<typeof line>, client: Client): Promise<void> {
  wire.mend();
  setting.test.clock.advance(5000);
  await eventually(() => expect(client.health().lastError).toBe("server_unavailable"));
  setting.test.clock.advance(200);
}

describe("a server that is away", () => {
  it("at start: the agent runs on the code's champion, unrecorded, and is recorded once it is back", async () => {
    await setting.contest({ share: 0.99 });
    const wire = line();
    wire.cut();
    const { client, logger } = clientOf(setting.test, { fetch: wire.fetch });
    const bot = await botOf(client, TERSE);
    const first = await bot.session();
    expect(first).toMatchObject({ config: TERSE, experiment: null });
    await expect(first.end({ score: 1 })).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(client.health()).toMatchObject({
      status: "degraded",
      sessionsDropped: 1,
      lastError: "server_unavailable",
    });
    wire.mend();
    await passing(async () => (await bot.session()).config !== TERSE && bot.champion.prompt === LONG.prompt);
    expect(await (await bot.session()).end({ score: 1 })).toEqual({ status: "recorded" });
    expect(logger.messages.some(({ message }) => message.startsWith("champion_differs"))).toBe(true);
    wire.cut();
    await passing(() => client.health().status === "degraded");
    // A look that is answered is enough, where nobody records anything.
    wire.mend();
    await passing(() => client.health().status === "ok");
    await client.close();
  });

  it("at start, and no champion is given: the project is refused", async () => {
    const wire = line();
    wire.cut();
    const { client } = clientOf(setting.test, { fetch: wire.fetch });
    await expect(client.project("support")).rejects.toMatchObject({ code: "server_unavailable" });
    wire.mend();
    await expect(client.project("support")).rejects.toMatchObject({ code: "project_not_found" });
    await setting.project();
    expect((await client.project("support")).champion).toEqual(LONG);
    await client.close();
  });

  it("under way: what is recorded waits in memory and arrives once, in order; the sessions are no evidence", async () => {
    await setting.contest();
    const wire = line();
    const { client, logger } = clientOf(setting.test, { fetch: wire.fetch });
    const bot = await botOf(client);
    await (await bot.session()).end({ score: 1 });
    wire.cut();
    const lost = await bot.session();
    const ended = lost.end({ score: 0.5 });
    await eventually(() => expect(client.health().status).toBe("degraded"));
    const open = await Promise.all([bot.session(), bot.session({ unit: "user-1" })]);
    const ends = open.map((session) => session.end({ score: 0 }));
    expect(client.health()).toMatchObject({
      status: "degraded",
      sessionsDropped: 0,
      lastError: "server_unavailable",
    });
    expect(client.health().spool.rows).toBe(client.health().queueLength);
    wire.mend();
    await passing(() => client.health().queueLength === 0);
    expect(await ended).toEqual({ status: "recorded" });
    expect(await Promise.all(ends)).toEqual([{ status: "recorded" }, { status: "recorded" }]);
    const { sessions } = await setting.test.engine.sessions();
    expect(sessions.map(({ id, excluded, score }) => [id, excluded, score]).slice(0, 3)).toEqual([
      [open[1]!.id, "unconfirmed", 0],
      [open[0]!.id, "unconfirmed", 0],
      [lost.id, null, 0.5],
    ]);
    await passing(() => client.health().status === "ok");
    const told = logger.messages
      .map(({ message }) => message)
      .filter((message) => /the server (fails|is back)/.test(message));
    expect(told).toEqual([
      "the server fails; what sessions record is kept in memory until it is back",
      "the server is back; what was kept meanwhile is stored",
    ]);
    await client.close();
  });

  it("too slow for a unit: it runs as hashed, outside the evidence, and what it was served is stored", async () => {
    await setting.contest({ share: 0.99 });
    const wire = line();
    const { client } = clientOf(setting.test, { fetch: wire.fetch });
    const bot = await botOf(client);
    await bot.session({ unit: "user-1" });
    const theirs = await setting.project();
    await theirs.revise({ share: 0.01, ...BECAUSE });

    // Another process, to which the unit's arm is unknown.
    const other = clientOf(setting.test, { fetch: wire.fetch, timeoutMs: 5000 });
    const slow = await botOf(other.client);
    wire.hang();
    const starting = slow.session({ unit: "user-1" });
    await eventually(() => expect(wire.requests.at(-1)).toBe("POST /v1/records"));
    setting.test.clock.advance(251);
    const session = await starting;
    expect(session).toMatchObject({ arm: "champion", config: LONG });
    await timedOut(wire, other.client);
    await eventually(() => expect(other.client.health().queueLength).toBe(0));
    expect(await setting.test.engine.sessionDetail(session.id)).toMatchObject({
      arm: 0,
      excluded: "unconfirmed",
      configBody: LONG,
    });
    await client.close();
    await other.client.close();
  });

  it("for good: flush says so after ten seconds, close gives up, and what was lost is told", async () => {
    await setting.contest();
    const wire = line();
    const { client } = clientOf(setting.test, { fetch: wire.fetch });
    const bot = await botOf(client);
    wire.cut();
    const session = await bot.session();
    const ended = session.end({ score: 1 }).catch((error: unknown) => error);
    await eventually(() => expect(client.health().status).toBe("degraded"));
    const flushed = client.flush().catch((error: unknown) => error);
    await passing(async () => (await Promise.race([flushed, null])) !== null);
    expect(await flushed).toMatchObject({ code: "server_unavailable", details: { waiting: 2 } });
    const closing = client.close().then(() => true);
    await passing(async () => await Promise.race([closing, false]));
    expect(await ended).toMatchObject({ code: "server_unavailable" });
    expect(client.health()).toMatchObject({ status: "closed", queueLength: 0, sessionsDropped: 1 });
    await expect(session.signal({ name: "n", value: 1 })).rejects.toMatchObject({ code: "engine_closed" });
    expect((await bot.session()).config).toEqual(LONG);
    await client.close();
  });

  it("for long: whole new sessions are dropped, and those that were taken in can end", async () => {
    await setting.contest();
    const wire = line();
    const { client } = clientOf(setting.test, { fetch: wire.fetch });
    const bot = await botOf(client);
    wire.cut();
    const taken: Awaited<ReturnType<Bot["session"]>>[] = [];
    for (let i = 0; i < 10_100; i += 1) taken.push(await bot.session());
    const dropped = client.health().sessionsDropped;
    expect(client.health().queueLength).toBe(10_000);
    expect(dropped).toBe(100);
    await expect(taken.at(-1)!.end({ score: 1 })).rejects.toMatchObject({ code: "storage_unavailable" });
    const ended = taken[0]!.end({ score: 1 });
    wire.mend();
    await passing(() => client.health().queueLength === 0);
    expect(await ended).toEqual({ status: "recorded" });
    expect(await setting.sql("SELECT count(*) AS n FROM sessions")).toEqual([{ n: 10_000 }]);
    await client.close();
  });
});

describe("a server that refuses", () => {
  it("one operation: that one alone fails", async () => {
    await setting.contest();
    const { client } = clientOf(setting.test);
    const bot = await botOf(client);
    const [, refused, ended] = await Promise.allSettled([
      bot.session({ id: "s-1" }),
      client.signal("nobody", { name: "thumbs", value: 1 }),
      bot.session({ id: "s-1" }).then((session) => session.end({ score: 1 })),
    ]);
    expect(refused).toMatchObject({ status: "rejected", reason: { code: "session_not_found" } });
    expect(ended).toMatchObject({ status: "fulfilled", value: { status: "recorded" } });
    await client.close();
  });

  it("a whole batch for one of its operations: halves find out which", async () => {
    await setting.contest();
    const { client } = clientOf(setting.test);
    const bot = await botOf(client);
    const sessions = await Promise.all(Array.from({ length: 20 }, () => bot.session()));
    await client.flush();
    // The library's own checks let longer texts of details through than the contract has names for.
    const signals = sessions.map(({ id }, i) =>
      client.signal(i === 7 ? "x".repeat(201) : id, { name: "thumbs", value: 1, kind: "explicit" }),
    );
    const results = await Promise.allSettled(signals);
    expect(results.map(({ status }) => status)).toEqual(
      sessions.map((_, i) => (i === 7 ? "rejected" : "fulfilled")),
    );
    expect(results[7]).toMatchObject({ reason: { code: "input_invalid" } });
    expect(client.health().status).toBe("ok");
    await client.close();
  });

  it.each([
    [
      401,
      { code: "key_rejected", kind: "not_permitted", detail: "The key is revoked.", details: {} },
      "key_rejected",
    ],
    [404, "<html>not here</html>", "server_unavailable"],
    [200, "<html>a proxy's page</html>", "server_unavailable"],
    [200, { results: [] }, "server_unavailable"],
    [
      500,
      { code: "invariant_violated", kind: "internal", detail: "A bug.", details: {} },
      "invariant_violated",
    ],
    [
      503,
      { code: "from_the_future", kind: "unavailable", detail: "Later.", details: {} },
      "server_unavailable",
    ],
    [429, { code: "queue_full", kind: "throttled", detail: "Later.", details: {} }, "queue_full"],
  ])(
    "everything, with %i: agents run, and it is all there once the server comes to its senses",
    async (status, body, code) => {
      await setting.contest();
      const wire = line();
      const { client } = clientOf(setting.test, { fetch: wire.fetch });
      const bot = await botOf(client);
      wire.answer(status, body, { "retry-after": "2" });
      const session = await bot.session();
      const ended = session.end({ score: 1 });
      await eventually(() => expect(client.health().lastError).toBe(code));
      expect(client.health().queueLength).toBe(2);
      wire.mend();
      await passing(() => client.health().queueLength === 0);
      expect(await ended).toEqual({ status: "recorded" });
      await client.close();
    },
  );

  it("for now: it is asked again when it has said, and no earlier", async () => {
    await setting.contest();
    const wire = line();
    const { client } = clientOf(setting.test, { fetch: wire.fetch, refreshMs: 1e9 });
    const bot = await botOf(client);
    wire.answer(
      503,
      { code: "storage_busy", kind: "unavailable", detail: "Later.", details: {} },
      { "retry-after": "7" },
    );
    wire.requests.splice(0);
    const ended = (await bot.session()).end({ score: 1 });
    await eventually(() => expect(client.health().lastError).toBe("storage_busy"));
    wire.mend();
    setting.test.clock.advance(6999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(wire.requests).toEqual(["POST /v1/records"]);
    setting.test.clock.advance(1201);
    expect(await ended).toEqual({ status: "recorded" });
    await client.close();
  });

  it("a key it does not know: agents run, and it is asked slowly", async () => {
    await setting.contest();
    const wire = line({ open: false });
    const { client } = clientOf(setting.test, { fetch: wire.fetch, key: "dt_wrong", refreshMs: 1e9 });
    const bot = await botOf(client);
    expect(await bot.session()).toMatchObject({ config: LONG, experiment: null });
    expect(client.health()).toMatchObject({ lastError: "key_rejected" });
    await client.close();
  });

  it("an answer that never comes is given up after the timeout, and asked for again", async () => {
    await setting.contest();
    const wire = line();
    const { client } = clientOf(setting.test, { fetch: wire.fetch, timeoutMs: 5000 });
    const bot = await botOf(client);
    wire.hang();
    const ended = (await bot.session()).end({ score: 1 });
    await eventually(() => expect(wire.requests.at(-1)).toBe("POST /v1/records"));
    await timedOut(wire, client);
    expect(await ended).toEqual({ status: "recorded" });
    await client.close();
  });
});

it("promotions and changes elsewhere are seen at the next look, which costs no answer while nothing changes", async () => {
  const theirs = await setting.contest();
  const wire = line();
  const statuses: number[] = [];
  const counted: Fetch = async (...asked) => {
    const response = await wire.fetch(...asked);
    statuses.push(response.status);
    return response;
  };
  const { client } = clientOf(setting.test, { fetch: counted });
  const bot = await botOf(client);
  expect(statuses).toEqual([200]);
  setting.test.clock.advance(6000);
  await eventually(() => expect(statuses).toEqual([200, 304]));
  await theirs.promote(BECAUSE);
  await passing(() => bot.champion.prompt === SHORT.prompt);
  await client.close();
});

it("a snapshot that is brought along spares the first request; a wrong one is left alone", async () => {
  await setting.contest({ share: 0.99 });
  const first = clientOf(setting.test);
  await botOf(first.client);
  const bootstrap = JSON.parse(JSON.stringify(first.client.snapshots()));
  const wire = line();
  const { client } = clientOf(setting.test, { fetch: wire.fetch, bootstrap });
  const bot = await botOf(client);
  const session = await bot.session();
  expect(session).toMatchObject({ arm: "challenger", config: SHORT });
  expect(wire.requests).toEqual(["POST /v1/records"]);
  expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });

  // An old one serves too, and is looked at anew behind the agent's back.
  setting.test.clock.advance(5000);
  const later = clientOf(setting.test, { fetch: wire.fetch, bootstrap });
  wire.requests.splice(0);
  expect((await (await botOf(later.client)).session()).arm).toBe("challenger");
  await later.client.close();
  expect(wire.requests.sort()).toEqual(["GET /v1/projects/support/snapshot", "POST /v1/records"]);
  expect(later.client.snapshots()).toEqual([{ ...bootstrap[0], readAtMs: setting.test.clock.now() }]);

  const [snapshot] = bootstrap;
  const forged = [{ ...snapshot, champion: { ...snapshot.champion, body: TERSE } }];
  for (const wrong of [forged, [{ project: "support" }]]) {
    const other = clientOf(setting.test, { fetch: wire.fetch, bootstrap: wrong as never });
    expect((await botOf(other.client)).champion).toEqual(LONG);
    await other.client.close();
  }
  await client.close();
  await first.client.close();
});

it("a project is created by the client that first names it, once", async () => {
  const wire = line();
  const one = clientOf(setting.test, { fetch: wire.fetch });
  const two = clientOf(setting.test, { fetch: wire.fetch });
  await Promise.all([botOf(one.client), botOf(two.client, TERSE), botOf(one.client)]);
  const { champion } = await setting.test.engine.snapshot("support");
  expect([LONG, TERSE]).toContainEqual(champion.body);
  for (const { client } of [one, two]) {
    expect((await botOf(client)).champion).toEqual(champion.body);
    expect(await (await (await botOf(client)).session()).end({ score: 1 })).toEqual({ status: "recorded" });
    await client.close();
  }
});

it("recordings that go on behind the agent's back are handed to waitUntil", async () => {
  await setting.contest();
  const tasks: Promise<unknown>[] = [];
  const { client } = clientOf(setting.test, { waitUntil: (task) => void tasks.push(task) });
  const bot = await botOf(client);
  const run = bot.wrap(() => "done", { score: async () => true });
  await run();
  for (let i = 0; i < tasks.length; i += 1) await tasks[i];
  const { sessions } = await setting.test.engine.sessions();
  expect(sessions.map(({ score }) => score)).toEqual([1]);
  await client.close();
});

it("a waitUntil that throws, outside of a request, is counted", async () => {
  await setting.contest();
  const { client } = clientOf(setting.test, {
    waitUntil: () => {
      throw new Error("no request");
    },
  });
  const bot = await botOf(client);
  expect(await (await bot.session()).end({ score: 1 })).toEqual({ status: "recorded" });
  expect(client.health().callbacksFailed).toBeGreaterThan(0);
  await client.close();
});

it("switched off: the champion, and no request", async () => {
  const wire = line();
  const { client } = clientOf(setting.test, { fetch: wire.fetch, isOff: true });
  const bot = await botOf(client);
  const session = await bot.session({ unit: "user-1" });
  expect(session.config).toEqual(LONG);
  expect(await session.end({ score: 1 })).toEqual({ status: "off" });
  expect(await client.signal("s", { name: "n", value: 1 })).toEqual({ status: "off" });
  expect(await bot.challenge(SHORT)).toMatchObject({ status: "off" });
  expect(await bot.draft(SHORT)).toMatchObject({ status: "off" });
  await expect(bot.pause(BECAUSE)).rejects.toMatchObject({ code: "storage_unavailable" });
  await expect(client.project("other")).rejects.toMatchObject({ code: "storage_unavailable" });
  expect(client.health().status).toBe("off");
  await client.close();
  expect(wire.requests).toEqual([]);
});

it("a challenger that fails too often is served no more by the process that sees it", async () => {
  await setting.contest({ share: 0.5, policy: { fuse: { minSessions: 10 } } });
  const { client } = clientOf(setting.test);
  const bot = await botOf(client);
  const run = bot.wrap((session) => {
    if (session.arm === "challenger") throw new Error("out");
    return session.arm;
  });
  const arms: string[] = [];
  for (let i = 0; i < 200; i += 1) arms.push(await run().catch(() => "challenger"));
  expect(arms.slice(0, 60)).toContain("challenger");
  expect(arms.slice(-50)).not.toContain("challenger");
  await client.flush();
  expect(await setting.test.engine.decide()).toMatchObject([{ verdict: "abort", reason: "fuse" }]);
  await client.close();
});
