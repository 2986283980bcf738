import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { createClient } from "../../src/client/index.js";
import { nodeProcess } from "../support/processes.js";
import { query } from "../support/query.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryDatabase } from "../support/temporary.js";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const LONG = { prompt: "long" };
const SESSIONS = 1200;
const AT_ONCE = 20;
/** After how many sessions the server is killed. */
const KILLS = [150, 500, 900];

let server: ChildProcess | null = null;

/** Starts a server process; its address, once it listens. */
async function serve(path: string, port: number): Promise<string> {
  const args = ["serve", "--db", path, "--port", String(port), "--no-decide", "--json"];
  server = nodeProcess(main, ...args);
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return (JSON.parse(String(line)) as { url: string }).url;
}

async function kill(): Promise<void> {
  const dying = server as ChildProcess;
  const gone = once(dying, "exit");
  dying.kill("SIGKILL");
  await gone;
}

it("a server killed and restarted under load: no agent notices, and every outcome arrives once", async () => {
  const path = temporaryDatabase();
  const url = await serve(path, 0);
  const port = Number(new URL(url).port);
  const logger = recordingLogger();
  const client = createClient({ server: url, logger, timeoutMs: 1000, refreshMs: 500 });
  const bot = await client.project("support", { champion: LONG });
  await bot.challenge({ prompt: "short" }, { share: 0.5 });

  const scores = new Map<string, number>();
  const acknowledged: Promise<unknown>[] = [];
  let restarted: Promise<unknown> = Promise.resolve();
  let begun = 0;
  const agent = bot.wrap(
    async (session, score: number) => {
      scores.set(session.id, score);
      acknowledged.push(session.signal({ name: "cost_usd", value: 0.01 }));
      // What the agent takes for its work, in real time: the server that is killed meanwhile is a process of its own.
      await new Promise((resolve) => setTimeout(resolve, 1 + (score * 100) / 10));
      return score;
    },
    { score: (result) => result },
  );
  const worker = async (): Promise<void> => {
    while (begun < SESSIONS) {
      const mine = begun;
      begun += 1;
      if (KILLS.includes(mine)) restarted = restarted.then(kill).then(() => serve(path, port));
      expect(await agent((mine % 11) / 10)).toBe((mine % 11) / 10);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await restarted;
  await client.flush();

  expect((await Promise.allSettled(acknowledged)).filter(({ status }) => status === "rejected")).toEqual([]);
  expect(client.health()).toMatchObject({ sessionsDropped: 0, writesFailed: 0, queueLength: 0 });
  const stored = await query<{ id: string; score: number }>(path, "SELECT id, score FROM sessions");
  expect(stored).toHaveLength(SESSIONS);
  expect(new Map(stored.map(({ id, score }) => [id, score]))).toEqual(scores);
  const [signals] = await query<{ n: number }>(
    path,
    "SELECT count(*) AS n FROM signals WHERE name = 'cost_usd'",
  );
  expect(signals?.n).toBe(SESSIONS);
  expect(
    logger.messages.filter(({ message }) => message.startsWith("the server fails")).length,
  ).toBeGreaterThan(0);
  await client.close();
}, 60_000);
