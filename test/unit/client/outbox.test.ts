import { beforeEach, describe, expect, it } from "vitest";
import { Outbox } from "../../../src/client/outbox.js";
import { serverUnavailable } from "../../../src/client/problem.js";
import type { Transport } from "../../../src/client/transport.js";
import type { DethroneError } from "../../../src/core/errors.js";
import type { Operation } from "../../../src/engine/sessions/operations.js";
import { createTestClock } from "../../../src/testing.js";

interface Sent {
  readonly operations: readonly { readonly session: string }[];
  /** answers the request; by default as a server that takes it all */
  readonly answer: (reply?: object) => Promise<void>;
}

let sent: Sent[];
let troubles: DethroneError[];
let clock: ReturnType<typeof createTestClock>;
let outbox: Outbox;

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  sent = [];
  troubles = [];
  clock = createTestClock();
  const send = (_id: string, _request: object, { text }: { text: string }) =>
    new Promise((resolve) => {
      const { operations } = JSON.parse(text) as Pick<Sent, "operations">;
      const taken = { status: "ok", body: { results: operations.map(() => ({ status: "recorded" })) } };
      sent.push({
        operations,
        answer: (reply = taken) => {
          resolve(reply);
          return settle();
        },
      });
    });
  outbox = new Outbox({
    transport: { send } as unknown as Transport,
    clock,
    random: () => 1,
    onTrouble: (error) => void troubles.push(error),
    inBackground: () => undefined,
  });
});

const end = (session: string): Operation => ({ type: "end", session, score: 1, atMs: 0 });
const signal = (session: string, name = "n"): Operation => ({
  ...{ type: "signal", session, key: session, name, value: 1, kind: null, source: null, atMs: 0 },
});
const names = ({ operations }: Sent): string[] => operations.map(({ session }) => session);
const refused = (http: number) => ({ status: "refused", http, leastMs: 0, error: serverUnavailable("No.") });

describe("the outbox", () => {
  it("sends what a turn has to tell at once, and what queues meanwhile when that is answered", async () => {
    const first = [outbox.add(end("a")), outbox.add(end("b"))];
    await settle();
    const second = outbox.add(end("c"));
    await settle();
    expect(sent.map(names)).toEqual([["a", "b"]]);
    await sent[0]!.answer();
    expect(await Promise.all(first)).toEqual([{ status: "recorded" }, { status: "recorded" }]);
    expect(sent.map(names)).toEqual([["a", "b"], ["c"]]);
    await sent[1]!.answer();
    expect(await second).toEqual({ status: "recorded" });
    expect([outbox.length, outbox.size]).toEqual([0, 0]);
  });

  it("goes on after it was empty", async () => {
    for (const name of ["a", "b", "c"]) {
      const added = outbox.add(end(name));
      await settle();
      await sent.at(-1)!.answer();
      expect(await added).toEqual({ status: "recorded" });
    }
  });

  it("sends the same again, and what queued meanwhile behind it, after a wait", async () => {
    const added = [outbox.add(end("a"))];
    await settle();
    await sent[0]!.answer(refused(0));
    expect(outbox.failure).toMatchObject({ code: "server_unavailable" });
    added.push(outbox.add(end("b")));
    clock.advance(199);
    await settle();
    expect(sent).toHaveLength(1);
    clock.advance(1);
    await settle();
    expect(sent.map(names)).toEqual([["a"], ["a", "b"]]);
    await sent[1]!.answer(refused(503));
    clock.advance(400);
    await settle();
    await sent[2]!.answer();
    expect(outbox.failure).toBeNull();
    expect(await Promise.all(added)).toHaveLength(2);
    expect(troubles).toHaveLength(2);
  });

  it("sends at most a thousand operations, and at most 256 Ki characters unless one alone is longer", async () => {
    const all = Array.from({ length: 1500 }, (_, i) => outbox.add(end(`e-${i}`)));
    await settle();
    expect(sent[0]!.operations).toHaveLength(1000);
    await sent[0]!.answer();
    expect(sent[1]!.operations).toHaveLength(500);
    await sent[1]!.answer();
    await Promise.all(all);
    const large = ["a", "b", "c"].map((name) => outbox.add(signal(name, "x".repeat(200 * 1024))));
    large.push(outbox.add(signal("d", "x".repeat(300 * 1024))), outbox.add(end("e")));
    for (let i = 2; i < 7; i += 1) {
      await settle();
      await sent[i]!.answer();
    }
    await Promise.all(large);
    expect(sent.slice(2).map(names)).toEqual([["a"], ["b"], ["c"], ["d"], ["e"]]);
  });

  it("sends less at once to a server that does not answer in time, and more again once it does", async () => {
    const all = Array.from({ length: 1000 }, (_, i) => outbox.add(end(`e-${i}`)));
    for (let i = 0; i < 6; i += 1) {
      await settle();
      await sent.at(-1)!.answer(refused(0));
      clock.advance(5000);
    }
    while (outbox.length > 0) {
      await settle();
      await sent.at(-1)!.answer();
    }
    await Promise.all(all);
    expect(sent.map(({ operations }) => operations.length)).toEqual([
      ...[1000, 500, 250, 125, 63, 50, 50],
      ...[100, 200, 400, 250],
    ]);
  });

  it("takes no new session beyond its capacity, and ends of those it took even beyond twice that", async () => {
    const waiting: Promise<unknown>[] = [];
    const add = (operation: Operation): void =>
      void waiting.push(outbox.add(operation).catch((error) => error));
    for (let i = 0; i < 10_000; i += 1) add(signal(`s-${i}`));
    expect(outbox.hasRoom()).toBe(false);
    for (let i = 0; i < 10_000; i += 1) add(signal(`t-${i}`));
    await expect(outbox.add(signal("late"))).rejects.toMatchObject({ code: "queue_full", kind: "throttled" });
    add(end("s-1"));
    expect(outbox.length).toBe(20_001);
    expect(waiting).toHaveLength(20_001);
  });

  it("takes no new session beyond its size", async () => {
    expect(outbox.hasRoom()).toBe(true);
    void outbox.add(signal("a", "x".repeat(8 * 2 ** 20)));
    expect(outbox.hasRoom()).toBe(false);
    void outbox.add(signal("b", "x".repeat(8 * 2 ** 20)));
    await expect(outbox.add(signal("c"))).rejects.toMatchObject({ code: "queue_full" });
  });

  it("fails what is refused alone, in halves of a batch that is refused as a whole", async () => {
    const added = ["a", "b", "c", "d"].map((name) =>
      outbox.add(end(name)).catch((error: DethroneError) => error.code),
    );
    for (let i = 0; i < 20 && outbox.length > 0; i += 1) {
      await settle();
      const request = sent.at(-1)!;
      await request.answer(names(request).includes("c") ? refused(400) : undefined);
    }
    const recorded = { status: "recorded" };
    expect(await Promise.all(added)).toEqual([recorded, recorded, "server_unavailable", recorded]);
    expect(troubles).toEqual([]);
    const single = outbox.add(end("e"));
    await settle();
    await sent.at(-1)!.answer({
      status: "ok",
      body: {
        results: [{ status: "failed", error: { code: "session_not_found", detail: "None.", details: {} } }],
      },
    });
    await expect(single).rejects.toMatchObject({ code: "session_not_found", message: "None." });
  });

  it.each([
    { status: "unchanged" },
    { status: "ok", body: {} },
    { status: "ok", body: { results: [] } },
    { status: "ok", body: { results: [null] } },
  ])("takes no answer for one that is none: %j", async (reply) => {
    const added = outbox.add(end("a"));
    await settle();
    await sent[0]!.answer(reply);
    expect(outbox.failure).toMatchObject({ code: "server_unavailable" });
    clock.advance(200);
    await settle();
    await sent[1]!.answer();
    expect(await added).toEqual({ status: "recorded" });
  });

  it("flushes what is queued by now, and not what is queued after", async () => {
    await outbox.flush();
    void outbox.add(end("a"));
    const flushed = outbox.flush();
    await settle();
    void outbox.add(end("b"));
    await sent[0]!.answer();
    await flushed;
    expect(outbox.length).toBe(1);
  });

  it("gives up what is not taken when it closes, and takes nothing new", async () => {
    const added = outbox.add(end("a"));
    await settle();
    const closing = outbox.close();
    clock.advance(10_000);
    await expect(added).rejects.toMatchObject({ code: "server_unavailable", details: { waiting: 1 } });
    await closing;
    expect(outbox.hasRoom()).toBe(false);
    await expect(outbox.add(end("b"))).rejects.toMatchObject({ code: "engine_closed" });
    await sent[0]!.answer();
    expect(sent).toHaveLength(1);
  });

  it("stays usable when a part of the host's that it was given throws", async () => {
    const throwing = new Outbox({
      transport: { send: async () => Promise.reject(new Error("bug")) } as unknown as Transport,
      clock,
      random: () => 1,
      onTrouble: () => undefined,
      inBackground: () => undefined,
    });
    for (const name of ["a", "b"])
      await expect(throwing.add(end(name))).rejects.toMatchObject({ code: "server_unavailable" });
  });
});
