import { afterEach, describe, expect, it, vi } from "vitest";
import { type ClientOptions, createClient } from "../../../src/client/index.js";
import type { Project } from "../../../src/index.js";

const SERVER = "https://dethrone.test";

describe("createClient refuses", () => {
  it.each([
    ["server", undefined],
    ["server", "dethrone.test"],
    ["server", "ftp://dethrone.test"],
    ["server", "https://user:secret@dethrone.test"],
    ["server", "https://dethrone.test/?a=1"],
    ["key", ""],
    ["key", "dt_secret\n"],
    ["key", 7],
    ["refreshMs", 0],
    ["patienceMs", Number.NaN],
    ["timeoutMs", "5 s"],
    ["bootstrap", {}],
    ["bootstrap", [null]],
    ["waitUntil", "after"],
    ["fetch", 1],
    ["guard", {}],
    ["exposures", [{}]],
  ])("%s: %j", (field, value) => {
    const options = { server: SERVER, [field]: value } as unknown as ClientOptions;
    expect(() => createClient(options)).toThrowError(expect.objectContaining({ code: "settings_invalid" }));
    try {
      createClient(options);
    } catch (error) {
      expect(error).toMatchObject({ details: { field } });
      expect(JSON.stringify(error)).not.toContain("secret\\n");
    }
  });

  it("what is no object", () => {
    expect(() => createClient(undefined as never)).toThrowError(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  });
});

describe("a client", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("asks below the path of its server, with its key, as JSON", async () => {
    const asked: Request[] = [];
    const client = createClient({
      server: `${SERVER}/agents/`,
      key: "dt_key",
      fetch: async (input, init) => {
        asked.push(new Request(input, init));
        return Response.json(
          { code: "key_rejected", kind: "not_permitted", detail: "No.", details: {} },
          { status: 401 },
        );
      },
    });
    await expect(client.project("a/b")).rejects.toMatchObject({ code: "key_rejected", message: "No." });
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${SERVER}/agents/v1/projects/a%2Fb/snapshot`,
    ]);
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer dt_key");
    await client.close();
  });

  it("gives out projects of the library's type, typed by their champion", async () => {
    vi.stubEnv("DETHRONE", "off");
    const client = createClient({ server: SERVER });
    const bot: Project<{ prompt: string }, string> = await client.project("support", {
      champion: { prompt: "long" },
      build: ({ prompt }) => prompt.toUpperCase(),
    });
    const run = bot.wrap((session, times: number) => session.built.repeat(times));
    expect(await run(2)).toBe("LONGLONG");
    await client[Symbol.asyncDispose]();
  });
});
