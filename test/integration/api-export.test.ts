import { expect, it } from "vitest";
import { testApp } from "../support/app.js";
import { LONG, useSetting } from "../support/setting.js";

const setting = useSetting();

async function served() {
  const { engine } = setting.test;
  for (const key of ["helper", "support"]) {
    const bot = await engine.project(key, { champion: LONG });
    await (await bot.session({ id: `of-${key}`, context: { plan: "=1" } })).end({ score: 0.5 });
  }
  await engine.flush();
  return testApp(setting.test);
}

it("streams everything, as the library exports it", async () => {
  const { ask } = await served();
  let text = "";
  for await (const lines of setting.test.engine.transfer.exportEverything()) text += lines;
  const answer = await ask("GET", "/v1/export");
  expect(answer).toMatchObject({ status: 200, text });
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  expect(await ask("HEAD", "/v1/export")).toMatchObject({ status: 200, text: "" });
});

it("streams one kind of record of one project, also as CSV", async () => {
  const { ask } = await served();
  const { text } = await ask("GET", "/v1/export?what=sessions&project=support");
  expect(
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([{ id: "of-support", score: 0.5 }]);
  const csv = await ask("GET", "/v1/export?what=history&format=csv");
  expect(csv.headers.get("content-type")).toContain("text/csv");
  expect(csv.text.split("\r\n")).toHaveLength(4);
});

it("lets whoever has gone take no more", async () => {
  const { app } = await served();
  const response = await app.fetch(new Request("http://localhost/v1/export"));
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await reader.cancel();
  expect(await reader.read()).toEqual({ done: true, value: undefined });
});

it("refuses what there is none of, and what a key is not for", async () => {
  await served();
  const { engine } = setting.test;
  const { ask } = testApp(setting.test, { open: false });
  const keyOf = async (scopes: ["admin"] | ["read"], projects?: string[]): Promise<string> =>
    (await engine.keys.create({ name: `${scopes}-${projects}`, scopes, ...(projects && { projects }) })).key;
  const [admin, own, reader] = [
    await keyOf(["admin"]),
    await keyOf(["admin"], ["support"]),
    await keyOf(["read"]),
  ];
  const asked: [key: string, query: string, status: number, code: string | undefined][] = [
    [admin, "?what=sessions&project=nobody", 404, "project_not_found"],
    [admin, "?format=csv", 400, "input_invalid"],
    [admin, "?what=secrets", 400, "input_invalid"],
    [reader, "", 403, "scope_missing"],
    [own, "", 403, "scope_missing"],
    [own, "?what=sessions", 403, "scope_missing"],
    [own, "?what=sessions&project=helper", 403, "scope_missing"],
  ];
  for (const [key, query, status, code] of asked)
    expect(await ask("GET", `/v1/export${query}`, { key }), query).toMatchObject({ status, body: { code } });
  expect(await ask("GET", "/v1/export?what=sessions&project=support", { key: own })).toMatchObject({
    status: 200,
  });
});
