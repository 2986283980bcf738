import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_WINDOW_MS } from "../../src/core/decision/policy.js";
import { currentSession, fromBaggage, type Session, toBaggage } from "../../src/index.js";
import { createTestEngine, type TestEngine } from "../../src/testing.js";
import { engineOver, faultyStore } from "../support/engine.js";
import { query } from "../support/query.js";
import { temporaryDatabase } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };
const THUMBS = { name: "thumbs", value: 1, kind: "explicit" } as const;

let path: string;
let test: TestEngine;
let others: TestEngine[];

beforeEach(async () => {
  path = temporaryDatabase();
  others = [];
  test = await createTestEngine({ seed: 5, url: path });
});

afterEach(async () => {
  for (const each of [test, ...others]) await each.close();
});

/** Another engine on the same database, on the same clock. */
async function elsewhere(seed = 6): Promise<TestEngine> {
  const other = await createTestEngine({ seed, url: path, clock: test.clock });
  others.push(other);
  return other;
}

const project = (key: string, { engine } = test) => engine.project(key, { champion: LONG });

interface Row {
  readonly id: string;
  readonly project: string;
  readonly root: string | null;
  readonly hasEnded: number;
  readonly score: number | null;
}

async function sessions(): Promise<Row[]> {
  await test.engine.flush();
  return query<Row>(
    path,
    `SELECT sessions.id, projects.key AS project, root_id AS root, ended_at_ms IS NOT NULL AS hasEnded, score
       FROM sessions JOIN projects ON projects.id = project_id ORDER BY seq`,
  );
}

/** Signals of a session, as "key name value, kind" and whether they are late. */
async function signalsOf({ id }: { readonly id: string }): Promise<string[]> {
  await test.engine.flush();
  const rows = await query<{
    key: string;
    name: string;
    value: number;
    kind: string | null;
    is_late: number;
  }>(
    path,
    `SELECT signals.key, name, value, kind, is_late FROM signals JOIN sessions ON seq = session_seq
       WHERE sessions.id = ? ORDER BY signals.id`,
    [id],
  );
  return rows.map(({ key, name, value, kind, is_late }) =>
    [key, name, value, kind ?? "-", ...(is_late === 1 ? ["late"] : [])].join(" "),
  );
}

describe("a call within a call", () => {
  it("of its own project joins it: one session, the same object, which the inner call neither ends nor scores", async () => {
    const bot = await project("support");
    const inner = bot.wrap((session, unit?: string) => [session, currentSession(), unit] as const, {
      unit: (unit) => unit,
      score: () => 0,
    });
    const outer = bot.wrap(
      async (session) => {
        for (const unit of [undefined, "ada"]) {
          const [joined, current] = await inner(unit);
          expect(joined).toBe(session);
          expect(current).toBe(session);
        }
        expect(await sessions()).toMatchObject([{ id: session.id, hasEnded: 0, score: null }]);
        return session.id;
      },
      { unit: () => "ada", score: () => 1 },
    );
    const id = await outer();
    expect(await sessions()).toEqual([{ id, project: "support", root: null, hasEnded: 1, score: 1 }]);
  });

  it("passes its errors through, which are not the session's unless the outer call fails by them", async () => {
    const bot = await project("support");
    const boom = new Error("boom");
    const inner = bot.wrap(() => Promise.reject(boom), { onError: () => 0 });
    const outer = bot.wrap(
      async (session) => {
        await expect(inner()).rejects.toBe(boom);
        return session;
      },
      { score: () => 1 },
    );
    const session = await outer();
    expect(await sessions()).toMatchObject([{ score: 1 }]);
    expect(await signalsOf(session)).toEqual([]);
  });

  it("does not let its own time limit abort or mark the session", async () => {
    const bot = await project("support");
    const inner = bot.wrap(
      (session) => {
        test.clock.advance(100);
        return session.abortSignal.aborted;
      },
      { timeoutMs: 10 },
    );
    const outer = bot.wrap((session) => inner().then((aborted) => ({ aborted, session })));
    const { aborted, session } = await outer();
    expect(aborted).toBe(false);
    expect(await signalsOf(session)).toEqual([]);
  });

  it.each<[string, { id?: string; unit?: string }]>([
    ["an id", { id: "own" }],
    ["another unit", { unit: "grace" }],
  ])("starts a part of it where it is given %s", async (_title, options) => {
    const bot = await project("support");
    const inner = bot.wrap((session) => session, { id: () => options.id, unit: () => options.unit });
    const outer = bot.wrap(async (session) => [session, await inner()] as const, { unit: () => "ada" });
    const [root, part] = await outer();
    expect(part).not.toBe(root);
    expect(part).toMatchObject({ root: root.id, unit: options.unit ?? null });
    expect(await sessions()).toMatchObject([
      { id: root.id, root: null, hasEnded: 1 },
      { id: part.id, root: root.id, hasEnded: 1 },
    ]);
  });

  it("of another project is a part of it, and so is what is within that", async () => {
    const [plan, search, rank] = await Promise.all(["plan", "search", "rank"].map((key) => project(key)));
    const ranked = rank!.wrap((session) => session);
    const searched = search!.wrap(async (session) => [session, await ranked()] as const);
    const planned = plan!.wrap(async (session) => [session, ...(await searched())] as const);
    const [root, child, grandchild] = await planned();
    expect([root.root, child.root, grandchild.root]).toEqual([null, root.id, root.id]);
    expect(await sessions()).toMatchObject([
      { project: "plan", root: null },
      { project: "search", root: root.id },
      { project: "rank", root: root.id },
    ]);
  });

  it("back in the project the tree began with is a part again: the session in between is another's", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const again = plan!.wrap((session) => session);
    const searched = search!.wrap(() => again());
    const planned = plan!.wrap(async (session) => [session, await searched()] as const);
    const [root, inner] = await planned();
    expect(inner).not.toBe(root);
    expect(inner.root).toBe(root.id);
  });

  it("is on its own with parent: null", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const alone = search!.wrap((session) => session, { parent: () => null });
    const same = plan!.wrap((session) => session, { parent: () => null });
    const [root, ...inner] = await plan!.wrap(async (session) => [session, await alone(), await same()])();
    expect(inner.map((session) => session.root)).toEqual([null, null]);
    expect(new Set([root!.id, ...inner.map(({ id }) => id)]).size).toBe(3);
  });

  it("is the same for session(), and session.run makes a session the one that code runs in", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const root = await plan!.session();
    expect(currentSession()).toBeUndefined();
    const [current, joined, part, alone] = await root.run(async () => [
      currentSession(),
      await plan!.session(),
      await search!.session(),
      await search!.session({ parent: null }),
    ]);
    expect(current).toBe(root);
    expect(joined).toBe(root);
    expect([part!.root, alone!.root]).toEqual([root.id, null]);
    expect((await search!.session({ parent: root })).root).toBe(root.id);
    expect(await plan!.session({ parent: part! })).toMatchObject({ root: root.id, isResumed: false });
  });

  it("is no part of a session that has ended: what outlives a session was started in it by accident", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const root = await plan!.session();
    await root.run(async () => {
      await root.end();
      expect((await search!.session()).root).toBeNull();
      const next = await plan!.session();
      expect(next).not.toBe(root);
      expect(next.root).toBeNull();
    });
  });

  it("of another engine of the process with a project of that key is a part, not the same", async () => {
    const there = await elsewhere();
    const outer = await (await project("support")).session();
    const other = await project("support", there);
    const inner = await outer.run(() => other.session());
    expect(inner).toMatchObject({ root: outer.id, isResumed: false });
    expect(inner.id).not.toBe(outer.id);
  });

  it("may hand a stream out: each session around it ends when it is drained", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const seen: (string | undefined)[] = [];
    const stream = async function* () {
      seen.push(currentSession()?.project);
      yield 1;
      yield 2;
    };
    const searched = search!.wrap(stream, { score: () => 1 });
    const planned = plan!.wrap(() => searched(), { score: () => 1 });
    const joined = plan!.wrap(() => planned(), { score: () => 0.5 });
    for await (const _ of await joined())
      expect(await sessions()).toMatchObject([{ score: null }, { score: null }]);
    expect(await sessions()).toMatchObject([
      { project: "plan", score: 0.5 },
      { project: "search", score: 1 },
    ]);
    expect(seen).toEqual(["search"]);
  });

  it("resumed within itself is no part of itself, and keeps the root it started with", async () => {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const root = await plan!.session({ id: "conversation-7" });
    const again = await root.run(() => plan!.session({ id: "conversation-7" }));
    expect(again).toMatchObject({ id: "conversation-7", root: null, isResumed: true });
    const header = { id: "later", project: "other", root: "own" };
    expect((await search!.session({ id: "own", parent: header })).root).toBeNull();
    await root.run(() => search!.session({ id: "part" }));
    expect((await search!.session({ id: "part" })).root).toBe(root.id);
  });

  it("refuses a parent that is none", async () => {
    const bot = await project("support");
    for (const parent of [7, "root", {}, { id: "", project: "p", root: null }, { id: "x", project: "p" }]) {
      await expect(bot.session({ parent: parent as never })).rejects.toMatchObject({
        code: "input_invalid",
        details: { field: "parent" },
      });
    }
    const answer = bot.wrap(() => 7, { parent: () => 7 as never });
    expect(await answer()).toBe(7);
    expect(test.engine.health().callbacksFailed).toBe(1);
  });
});

describe("a session of another service", () => {
  /** The request that a service sends, as the next one gets it. */
  const sent = (session: Session<unknown>) => fromBaggage(toBaggage(session, "tenant=7"));

  it("comes with the baggage: another project's calls are parts of it, to any depth", async () => {
    const plan = await project("plan");
    const there = await elsewhere();
    const search = await project("search", there);
    const root = await plan.session();
    const serve = search.wrap((session) => session, { parent: () => sent(root) });
    const part = await serve();
    expect(part.root).toBe(root.id);
    const rank = await project("rank", await elsewhere(7));
    expect((await rank.session({ parent: sent(part) })).root).toBe(root.id);
    expect((await rank.session({ parent: fromBaggage("tenant=7") })).root).toBeNull();
  });

  it("of the same project is joined: its config and arm, no second session, and the inner call does not end it", async () => {
    const bot = await project("support");
    await bot.challenge(SHORT, { share: 0.5 });
    const there = await project("support", await elsewhere());
    const places = new Set<number>();
    for (let i = 0; i < 20; i += 1) {
      const root = await bot.session();
      await test.engine.flush();
      const serve = there.wrap((session) => [session, currentSession()] as const, {
        parent: () => sent(root),
        score: () => 0,
      });
      const [joined, current] = await serve();
      expect(current).toBe(joined);
      const { id, config, place, arm, experiment } = root;
      expect(joined).toMatchObject({ id, config, place, arm, experiment, root: null, isResumed: true });
      expect(await there.session({ parent: sent(root) })).toMatchObject({ id, isResumed: true });
      await root.end({ score: 1 });
      places.add(place);
    }
    expect(places).toEqual(new Set([0, 1]));
    expect(await sessions()).toMatchObject(Array(20).fill({ hasEnded: 1, score: 1 }));
    await test.engine.decide();
    expect((await bot.evaluate())?.sessionCount).toBe(20);
  });

  it("is joined by a call of its unit, not by one of another", async () => {
    const bot = await project("support");
    const there = await project("support", await elsewhere());
    const root = await bot.session({ unit: "ada" });
    expect((await there.session({ parent: sent(root), unit: "ada" })).id).toBe(root.id);
    expect(await there.session({ parent: sent(root), unit: "grace" })).toMatchObject({
      root: root.id,
      unit: "grace",
      isResumed: false,
    });
    expect(await sessions()).toHaveLength(2);
  });

  it("is joined within its own engine before it is on disk", async () => {
    const bot = await project("support");
    await bot.challenge(SHORT, { share: 0.5 });
    const root = await bot.session();
    expect(await bot.session({ parent: sent(root) })).toMatchObject({ id: root.id, config: root.config });
  });

  it("keeps its errors, its time and its streams to itself where it is joined", async () => {
    const there = await project("support", await elsewhere());
    const root = await (await project("support")).session();
    const parent = () => sent(root);
    const boom = new Error("boom");
    await expect(there.wrap(() => Promise.reject(boom), { parent })()).rejects.toBe(boom);
    const stream = there.wrap(
      async function* () {
        yield currentSession()?.id;
      },
      { parent, score: () => 0 },
    );
    for await (const id of await stream()) expect(id).toBe(root.id);
    expect(await signalsOf(root)).toEqual([]);
    expect(await sessions()).toMatchObject([{ hasEnded: 0, score: null }]);
  });

  it("is joined although its start is on disk a moment later than it is told of", async () => {
    let looks = 0;
    const { store } = await faultyStore((real) => ({
      findSession: async (id) => {
        looks += 1;
        return looks < 5 ? null : real.findSession(id);
      },
    }));
    const { engine } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    await bot.challenge(SHORT, { share: 0.5 });
    const root = await bot.session();
    expect(await bot.session({ parent: sent(root) })).toMatchObject({ id: root.id, config: root.config });
    await root.end({ score: 1 });
    await engine.decide();
    expect((await bot.evaluate())?.sessionCount).toBe(1);
    await engine.close();
  });

  it("that nobody here knows of is served and written nothing of", async () => {
    const bot = await project("support");
    const parent = { id: "gone", project: "support", root: "gone" };
    expect(await bot.wrap((session) => session.id, { parent: () => parent })()).toBe("gone");
    expect(await bot.session({ parent })).toMatchObject({ config: LONG, root: null, isResumed: true });
    expect(await sessions()).toEqual([]);
  });

  it("that is of another project than its header says does not fail the call, which is a part of it", async () => {
    const [support, writer] = await Promise.all(["support", "writer"].map((key) => project(key)));
    const { id } = await support!.session();
    const parent = { id, project: "writer", root: id };
    const session = await writer!.session({ parent });
    expect(session).toMatchObject({ project: "writer", root: id, isResumed: false });
    expect(await session.end({ score: 1 })).toEqual({ status: "recorded" });
    expect(await writer!.wrap((inner) => inner.root, { parent: () => parent })()).toBe(id);
    expect(test.engine.health().callbacksFailed).toBe(0);
  });

  it("is never waited for beyond the patience, and is no evidence then", async () => {
    const excluded: string[] = [];
    const { store } = await faultyStore(() => ({
      findSession: () => new Promise(() => undefined),
      excludeSession: async ({ sessionId }) => {
        excluded.push(sessionId);
      },
    }));
    const { engine, clock } = await engineOver(async () => store);
    const bot = await engine.project("support", { champion: LONG });
    const joining = bot.session({ parent: { id: "s", project: "support", root: null } });
    clock.advance(250);
    expect(await joining).toMatchObject({ id: "s", config: LONG });
    expect(excluded).toEqual(["s"]);
    await engine.close();
  });
});

describe("a signal on the root", () => {
  async function tree() {
    const [plan, search, rank] = await Promise.all(["plan", "search", "rank"].map((key) => project(key)));
    const root = await plan!.session();
    const [child, grandchild] = await root.run(async () => {
      const part = await search!.session();
      return [part, await part.run(() => rank!.session())] as const;
    });
    return { root, child, grandchild, search: search! };
  }

  it("that bears on the score reaches each of its parts once, however often it is sent and from where", async () => {
    const { root, child, grandchild } = await tree();
    const signal = { ...THUMBS, source: "hook", key: "webhook-1" };
    expect(await root.signal(signal)).toEqual({ status: "recorded" });
    expect(await root.signal(signal)).toEqual({ status: "duplicate" });
    const { engine } = await elsewhere();
    expect(await engine.signal(root.id, signal)).toEqual({ status: "duplicate" });
    await expect(root.signal({ ...signal, value: 0 })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
    expect(await signalsOf(root)).toEqual(["webhook-1 thumbs 1 explicit"]);
    for (const part of [child, grandchild])
      expect(await signalsOf(part)).toEqual(["root:webhook-1 thumbs 1 explicit"]);
    const sources = await query(path, "SELECT DISTINCT source FROM signals");
    expect(sources).toEqual([{ source: "hook" }]);
  });

  it("is a signal of each part's own: it settles a part by its own window and policy", async () => {
    const { root, child } = await tree();
    await child.end();
    await engineSignal(root);
    test.clock.advance(DEFAULT_WINDOW_MS + 1);
    await test.engine.decide();
    expect(await sessions()).toMatchObject([
      { id: root.id, score: 0 },
      { id: child.id, score: 0.25 },
      { project: "rank", score: 0 },
    ]);
  });

  const engineSignal = ({ id }: { id: string }) =>
    test.engine.signal(id, { name: "judge", value: 0.25, kind: "implicit" });

  it("does not reach parts that start later", async () => {
    const { root, search } = await tree();
    await root.signal(THUMBS);
    const late = await root.run(() => search.session());
    expect(late.root).toBe(root.id);
    expect(await signalsOf(late)).toEqual([]);
  });

  it("is late where the part has settled or its window has closed, and counts where only the root's has", async () => {
    const { root, child, search } = await tree();
    await child.end({ score: 0.5 });
    test.clock.advance(DEFAULT_WINDOW_MS / 2);
    const younger = await root.run(() => search.session());
    test.clock.advance(DEFAULT_WINDOW_MS / 2 + 1);
    expect(await root.signal({ ...THUMBS, key: "k" })).toEqual({ status: "late" });
    expect(await signalsOf(child)).toEqual(["root:k thumbs 1 explicit late"]);
    expect(await signalsOf(younger)).toEqual(["root:k thumbs 1 explicit"]);
    expect((await sessions())[1]).toMatchObject({ id: child.id, score: 0.5 });
  });

  it("without a kind stays the root's own: costs would count twice", async () => {
    const { root, child, grandchild } = await tree();
    await root.signal({ name: "cost_usd", value: 0.2 });
    await root.signal({ name: "error", value: 1 });
    for (const part of [child, grandchild]) expect(await signalsOf(part)).toEqual([]);
  });

  it("comes from the root alone: a part's signals go neither up nor down nor sideways", async () => {
    const { root, child, grandchild } = await tree();
    await child.signal(THUMBS);
    await child.end({ score: 1 });
    for (const each of [root, grandchild]) expect(await signalsOf(each)).toEqual([]);
  });

  it("leaves a part's own signal of that key alone", async () => {
    const { root, child } = await tree();
    await child.signal({ ...THUMBS, value: 0, key: "root:k" });
    expect(await root.signal({ ...THUMBS, key: "k" })).toEqual({ status: "recorded" });
    expect(await signalsOf(child)).toEqual(["root:k thumbs 0 explicit"]);
  });
});

describe("the end of the root", () => {
  async function parts() {
    const [plan, search] = await Promise.all(["plan", "search"].map((key) => project(key)));
    const root = await plan!.session();
    const [ended, scored] = await root.run(async () => [await search!.session(), await search!.session()]);
    await ended!.end();
    await scored!.end({ score: 0.25 });
    return { root, ended: ended!, scored: scored! };
  }

  it("with a score settles the parts that have none of their own, once", async () => {
    const { root, ended, scored } = await parts();
    expect(await root.end({ score: 0.75 })).toEqual({ status: "recorded" });
    expect(await root.end({ score: 0.75 })).toEqual({ status: "duplicate" });
    expect(await signalsOf(ended)).toEqual(["root:end root_score 0.75 explicit"]);
    expect(await signalsOf(scored)).toEqual(["root:end root_score 0.75 explicit late"]);
    test.clock.advance(DEFAULT_WINDOW_MS + 1);
    await test.engine.decide();
    expect((await sessions()).map(({ score }) => score)).toEqual([0.75, 0.75, 0.25]);
  });

  it("without a score, or too late, says nothing of the parts", async () => {
    const { root, ended } = await parts();
    await root.end();
    expect(await signalsOf(ended)).toEqual([]);
    test.clock.advance(DEFAULT_WINDOW_MS + 1);
    expect(await root.end({ score: 1 })).toEqual({ status: "late" });
    expect(await signalsOf(ended)).toEqual([]);
  });
});
