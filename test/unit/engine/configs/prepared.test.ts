import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { identifyConfig } from "../../../../src/engine/configs/config.js";
import { ConfigPreparation } from "../../../../src/engine/configs/prepared.js";

const m1 = identifyConfig({ model: "m1" });
const schema = z.object({ model: z.string(), temperature: z.number().default(0.2) });

/** A build that waits until it is told to go on. */
function gate<T>(): { promise: Promise<T>; open: (value: T) => void; fail: (error: unknown) => void } {
  const opened = { open: (_value: T) => {}, fail: (_error: unknown) => {} };
  const promise = new Promise<T>((resolve, reject) => Object.assign(opened, { open: resolve, fail: reject }));
  return { promise, open: (value) => opened.open(value), fail: (error) => opened.fail(error) };
}

describe("a prepared config", () => {
  it("without schema and build is its body", async () => {
    const preparation = new ConfigPreparation({});
    expect(preparation.isNeeded).toBe(false);
    expect(await preparation.prepare(m1)).toEqual({ ...m1, config: m1.body, built: undefined });
  });

  it("reads as documented", async () => {
    const preparation = new ConfigPreparation({
      build: ({ model }: { model: string }) => `agent on ${model}`,
    });
    expect(preparation.isNeeded).toBe(true);
    expect((await preparation.prepare(identifyConfig({ model: "m1" }))).built).toBe("agent on m1");
  });

  it("has been through the schema, and is built from that", async () => {
    const preparation = new ConfigPreparation({ schema, build: async (config) => [config] });
    expect(preparation.isNeeded).toBe(true);
    const config = { model: "m1", temperature: 0.2 };
    expect(await preparation.prepare(m1)).toEqual({ ...m1, config, built: [config] });
    expect(new ConfigPreparation({ schema }).isNeeded).toBe(true);
  });

  it("is not changed by a schema or a build that changes what it gets", async () => {
    const spoil = (config: { model: string }): string => {
      config.model = "spoilt";
      return config.model;
    };
    const spoiling: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => ({
          value: { was: structuredClone(value), is: spoil(value as { model: string }) },
        }),
      },
    };
    const body = { model: "m1" };
    const checked = await new ConfigPreparation({ schema: spoiling }).prepare({ hash: "h", body });
    expect(checked).toEqual({ hash: "h", body: { model: "m1" }, config: { was: body, is: "spoilt" } });
    const built = await new ConfigPreparation({ build: spoil }).prepare({ hash: "h", body });
    expect(built).toEqual({ hash: "h", body: { model: "m1" }, config: { model: "m1" }, built: "spoilt" });
  });
});

describe("each config is prepared once", () => {
  it("by its hash, until others were used more lately", async () => {
    const builds: string[] = [];
    const preparation = new ConfigPreparation({ build: ({ n }: { n: string }) => builds.push(n) });
    const prepare = (n: number) => preparation.prepare({ hash: `h${n}`, body: { n: `${n}` } });
    for (let n = 0; n < 64; n++) await prepare(n);
    expect(await prepare(0)).toBe(preparation.get("h0"));
    expect(preparation.get("h1")?.body).toEqual({ n: "1" });
    expect(builds).toHaveLength(64);
    await prepare(64);
    await prepare(65);
    expect(preparation.get("h2")).toBeUndefined();
    expect(preparation.get("h3")).toBeUndefined();
    for (const kept of [0, 1, 4, 63, 64, 65]) expect(preparation.get(`h${kept}`)?.hash).toBe(`h${kept}`);
    await prepare(2);
    expect(builds.slice(64)).toEqual(["64", "65", "2"]);
  });

  it("for all who ask while it is being prepared", async () => {
    const { promise, open } = gate<string>();
    let count = 0;
    const preparation = new ConfigPreparation({
      build: () => {
        count++;
        return promise;
      },
    });
    const both = [preparation.prepare(m1), preparation.prepare(m1)] as const;
    expect(both[0]).toBe(both[1]);
    expect(preparation.get(m1.hash)).toBeUndefined();
    open("agent");
    const [first, second] = await Promise.all(both);
    expect(first).toBe(second);
    expect(first.built).toBe("agent");
    expect(preparation.get(m1.hash)).toBe(first);
    expect(await preparation.prepare(m1)).toBe(first);
    expect(count).toBe(1);
  });

  it("beside others, which do not wait for it", async () => {
    const { promise, open } = gate<string>();
    const preparation = new ConfigPreparation({
      build: ({ model }: { model: string }) => (model === "m1" ? promise : model),
    });
    const slow = preparation.prepare(m1);
    expect((await preparation.prepare(identifyConfig({ model: "m2" }))).built).toBe("m2");
    open("late");
    expect((await slow).built).toBe("late");
  });
});

describe("a failure", () => {
  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    ["rejects", () => Promise.reject(new Error("boom"))],
  ])("of a build that %s names the config and keeps the cause", async (_title, build) => {
    const preparation = new ConfigPreparation({ build });
    await expect(preparation.prepare(m1)).rejects.toMatchObject({
      code: "config_invalid",
      message: `The host's build() failed for the config ${m1.hash.slice(0, 12)}: boom.`,
      details: { hash: m1.hash },
      cause: new Error("boom"),
    });
  });

  it("of a build may be a value that is no error", async () => {
    const preparation = new ConfigPreparation({ build: () => Promise.reject("boom") });
    await expect(preparation.prepare(m1)).rejects.toMatchObject({ code: "config_invalid", cause: "boom" });
  });

  it("of the schema is the schema's, and nothing is built", async () => {
    let count = 0;
    const preparation = new ConfigPreparation({ schema, build: () => count++ });
    await expect(preparation.prepare(identifyConfig({ model: 1 }))).rejects.toMatchObject({
      code: "config_invalid",
      details: { issues: [{ path: "model" }] },
    });
    expect(count).toBe(0);
  });

  it("reaches all who wait, and is not kept: the next one tries again", async () => {
    const { promise, fail } = gate<string>();
    const answers: unknown[] = [promise, "agent"];
    const preparation = new ConfigPreparation({ build: () => answers.shift() });
    const both = [preparation.prepare(m1), preparation.prepare(m1)];
    fail(new Error("boom"));
    for (const { status } of await Promise.allSettled(both)) expect(status).toBe("rejected");
    expect(preparation.get(m1.hash)).toBeUndefined();
    expect((await preparation.prepare(m1)).built).toBe("agent");
  });
});
