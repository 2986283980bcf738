/** The receiver of docs/WEBHOOKS.md, run as it stands there. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CloudEvent, type CloudEventV1 } from "cloudevents";
import { expect, it } from "vitest";
import { createEngine } from "../../src/index.js";
import { temporaryDatabase, temporaryFolder } from "../support/temporary.js";

const page = readFileSync(fileURLToPath(new URL("../../docs/WEBHOOKS.md", import.meta.url)), "utf8");
const block = (language: string): string =>
  new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? "";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it("the receiver of the page takes what is genuine, once, and refuses the rest", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  await using engine = await createEngine({ url: temporaryDatabase() });
  const { id, secret } = await engine.webhooks.add({ url, allowPrivate: true });
  const file = join(temporaryFolder(), "receiver.mjs");
  writeFileSync(file, block("js"));
  const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) };
  const receiver = spawn(process.execPath, [file], { env, stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  receiver.stdout.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  try {
    await expect.poll(() => engine.webhooks.test(id), { timeout: 10_000 }).toMatchObject({ status: 204 });
    await engine.project("support", { champion: { prompt: "a" } });
    expect(await engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    const [delivery] = (await engine.webhooks.deliveries()).deliveries;
    await engine.webhooks.retry(delivery!.uid);
    expect(await engine.webhooks.deliver()).toEqual({ delivered: 1, failed: 0 });
    await expect.poll(() => told).toBe("dethrone.webhook.test test\ndethrone.project.created support\n");

    const forged = await fetch(url, { method: "POST", body: "{}", headers: { "webhook-id": "x" } });
    expect(forged.status).toBe(401);
    await engine.webhooks.rotate(id);
    expect(await engine.webhooks.test(id)).toMatchObject({ status: 204 });
    await engine.webhooks.rotate(id);
    expect(await engine.webhooks.test(id)).toMatchObject({ status: 401 });
  } finally {
    receiver.kill();
  }
});

it("the event of the page is one as they are sent", () => {
  const event = JSON.parse(block("json")) as CloudEventV1<{ atMs: number }>;
  expect(new CloudEvent(event).validate()).toBe(true);
  expect(Date.parse(event.time as string)).toBe(event.data?.atMs);
});
