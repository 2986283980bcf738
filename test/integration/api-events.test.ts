import { expect, it } from "vitest";
import type { App } from "../../src/server/app.js";
import { testApp } from "../support/app.js";
import { useSetting } from "../support/setting.js";

const setting = useSetting();

/** Somebody who listens to events of an open app. */
class Listener {
  readonly #abort = new AbortController();
  #reader!: ReadableStreamDefaultReader<Uint8Array>;
  #pending: Promise<{ done: boolean; value?: Uint8Array | undefined }> | null = null;
  read = "";
  response!: Response;

  async listen(app: App, { query = "", lastEventId }: { query?: string; lastEventId?: string } = {}) {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const request = new Request(`http://localhost/v1/events${query}`, {
      headers,
      signal: this.#abort.signal,
    });
    this.response = await app.fetch(request);
    this.#reader = this.response.body!.getReader();
    return this;
  }

  /** Reads up to a text, while time passes for the app. */
  async until(text: string): Promise<string> {
    while (!this.read.includes(text)) {
      this.#pending ??= this.#reader.read();
      const turn = await Promise.race([this.#pending, new Promise<null>((wake) => setImmediate(wake, null))]);
      if (turn === null) {
        setting.test.clock.advance(100);
        continue;
      }
      this.#pending = null;
      if (turn.done) throw new Error(`the stream ended after: ${this.read}`);
      this.read += new TextDecoder().decode(turn.value);
    }
    return this.read;
  }

  /** Resolves when the stream ends. */
  async ended(): Promise<void> {
    for (;;) {
      const { done } = await (this.#pending ?? this.#reader.read());
      this.#pending = null;
      if (done) return;
    }
  }

  stop(): void {
    this.#abort.abort();
  }
}

const BECAUSE = { reason: "to see" };

it("what is done is told to who listens, from whatever process, and to nobody before they came", async () => {
  const bot = await setting.contest();
  const { app } = testApp(setting.test);
  const listener = await new Listener().listen(app);
  expect(listener.response.headers.get("content-type")).toBe("text/event-stream");
  const elsewhere = await setting.elsewhere();
  await (await elsewhere.engine.project("support")).pause(BECAUSE);
  await bot.resume(BECAUSE);
  const told = await listener.until('"action":"resumed"');
  expect(told).toContain('"action":"paused"');
  expect(told).not.toContain('"action":"started"');
  expect(told).toMatch(/retry: 2000\n\n/);
  const ids = [...told.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
});

it("who comes back by the last event's id misses nothing, however much it was", async () => {
  const bot = await setting.contest();
  for (let i = 0; i < 120; i += 1) {
    await bot.pause({ reason: `r-${i}` });
    await bot.resume(BECAUSE);
  }
  const { app } = testApp(setting.test);
  const told = await (await new Listener().listen(app, { lastEventId: "1" })).until('"reason":"r-119"');
  expect(told.match(/"action":"paused"/g)).toHaveLength(120);
  const wrong = await app.fetch(
    new Request("http://localhost/v1/events", { headers: { "last-event-id": "x" } }),
  );
  expect(wrong.status).toBe(400);
});

it("who listens to a project is told of that one alone, of its evaluations too", async () => {
  await setting.contest();
  const other = await setting.contest({}, "other");
  const { app, ask } = testApp(setting.test);
  const listener = await new Listener().listen(app, { query: "?project=other" });
  await ask("POST", "/v1/ticks", { body: {} });
  await (await setting.project()).pause(BECAUSE);
  await other.pause(BECAUSE);
  const told = await listener.until('"action":"paused"');
  expect(told).toMatch(/event: evaluation\ndata: \{"project":"other"/);
  expect(told).not.toContain('"support"');
});

it("a silent stream says that it is still there", async () => {
  await setting.project();
  const { app } = testApp(setting.test);
  expect(await (await new Listener().listen(app)).until(": still here")).toContain(": still here\n\n");
});

it("who reads too slowly is let go, and others go on", async () => {
  const bot = await setting.contest();
  const { app } = testApp(setting.test);
  const slow = await new Listener().listen(app);
  for (let i = 0; i < 300; i += 1) app.announce([{ project: "support", experiment: `e-${i}` } as never]);
  await slow.ended();
  const quick = await new Listener().listen(app);
  await bot.pause(BECAUSE);
  await quick.until('"action":"paused"');
});

it("who has gone is no longer told, and who is there is let go when the app closes", async () => {
  const bot = await setting.contest();
  const { app } = testApp(setting.test);
  const gone = await new Listener().listen(app);
  const there = await new Listener().listen(app);
  gone.stop();
  await bot.pause(BECAUSE);
  await there.until('"action":"paused"');
  app.close();
  await there.ended();
  const refused = await app.fetch(new Request("http://localhost/v1/events"));
  expect(refused.status).toBe(429);
});
