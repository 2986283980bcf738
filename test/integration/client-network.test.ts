import fc from "fast-check";
import { expect, it } from "vitest";
import { createRandom } from "../../src/core/random.js";
import { clientOf, serverOf } from "../support/client.js";
import { type Bot, LONG, Setting } from "../support/setting.js";

type Fetch = typeof fetch;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * A network that loses requests and answers, delivers requests twice, the second time late, and answers garbage.
 *
 * @param faults how many of a hundred requests meet each of them
 */
function flaky(
  server: Fetch,
  seed: number,
  faults: number,
): { fetch: Fetch; settled: () => Promise<unknown> } {
  const random = createRandom(seed);
  const late: Promise<unknown>[] = [];
  const kinds = ["lost", "unanswered", "twice", "late", "garbage", "busy"] as const;
  const fetch: Fetch = async (...asked) => {
    const kind = kinds[Math.floor((random.next() * 100) / faults)];
    if (kind === "lost") throw new TypeError("fetch failed");
    if (kind === "busy") return new Response("busy", { status: 503, headers: { "retry-after": "1" } });
    if (kind === "late") for (let turns = 0; turns < 20; turns += 1) await turn();
    const response = await server(...asked);
    if (kind === "twice") {
      const turns = Math.floor(random.next() * 50);
      const again = async () => {
        for (let i = 0; i < turns; i += 1) await turn();
        await server(...asked);
      };
      late.push(again());
    }
    if (kind === "unanswered") throw new TypeError("socket hang up");
    if (kind === "garbage") return new Response("<html>");
    return response;
  };
  return { fetch, settled: () => Promise.all(late) };
}

/** Waits between attempts take a turn, and no answer is too late. */
function impatient(now: () => number) {
  const after = (ms: number, fn: () => void): (() => void) => {
    if (ms >= 10_000) return () => undefined;
    const waiting = setImmediate(fn);
    return () => clearImmediate(waiting);
  };
  return { clock: { now, after }, refreshMs: 1e6, patienceMs: 1e6, timeoutMs: 1e6 };
}

/** One session: started, signalled and ended at turns of its own. */
async function live(bot: Bot, random: () => number, name: string, began: string[]) {
  const unit = random() < 0.3 ? { unit: `user-${Math.floor(random() * 5)}` } : {};
  const pause = async (): Promise<void> => {
    for (let turns = Math.floor(random() * 10); turns > 0; turns -= 1) await turn();
  };
  await pause();
  began.push(name);
  const session = await bot.session(unit);
  await pause();
  const signalled = session.signal({ name, value: 0.5, kind: "explicit", key: "k" });
  if (random() < 0.5) await pause();
  const score = Math.floor(random() * 11) / 10;
  const receipts = await Promise.all([signalled, session.end({ score })]);
  return { id: session.id, name, score, receipts };
}

it("whatever the network does, what is acknowledged is stored once, and sessions in the order they began", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 3, max: 14 }),
      async (seed, faults) => {
        const setting = new Setting();
        await setting.open();
        await setting.contest();
        const network = flaky(serverOf(setting.test), seed, faults);
        const { client } = clientOf(setting.test, {
          fetch: network.fetch,
          bootstrap: [
            {
              ...(await setting.test.engine.snapshot("support")),
              etag: null,
              readAtMs: setting.test.clock.now(),
            },
          ],
          ...impatient(setting.test.clock.now),
        });
        const bot = (await client.project("support", { champion: LONG })) as unknown as Bot;
        const began: string[] = [];
        const { next } = createRandom(seed + 1);
        const told = await Promise.all(
          Array.from({ length: 60 }, (_, i) => live(bot, next, `n-${i}`, began)),
        );
        await client.flush();
        await network.settled();

        const sessions = await setting.sql<{ id: string; score: number }>(
          "SELECT id, score FROM sessions ORDER BY seq",
        );
        const signals = await setting.sql<{ name: string; id: string }>(
          "SELECT signals.name, sessions.id FROM signals JOIN sessions ON seq = session_seq ORDER BY signals.name",
        );
        const scores = new Map(sessions.map(({ id, score }) => [id, score]));
        expect(scores.size).toBe(sessions.length);
        expect(told.map(({ id, score }) => [id, score])).toEqual(told.map(({ id }) => [id, scores.get(id)]));
        expect(signals.map(({ name, id }) => `${name} ${id}`).sort()).toEqual(
          told.map(({ id, name }) => `${name} ${id}`).sort(),
        );
        const nameOf = new Map(told.map(({ id, name }) => [id, name]));
        expect(sessions.map(({ id }) => nameOf.get(id))).toEqual(began);
        for (const { receipts } of told)
          for (const { status } of receipts) expect(["recorded", "duplicate"]).toContain(status);
        await client.close();
        await setting.close();
      },
    ),
    { numRuns: 12, endOnFailure: true },
  );
}, 120_000);
