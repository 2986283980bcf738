/** A client over a server in this process: its requests are calls, on a virtual clock. */
import { Client, type ClientSettings } from "../../src/client/client.js";
import { createRandom } from "../../src/core/random.js";
import { seededIds } from "../../src/engine/environment.js";
import { type AppOptions, createApp } from "../../src/server/app.js";
import type { TestEngine } from "../../src/testing.js";
import { recordingLogger } from "./recording-logger.js";

const SERVER = "https://dethrone.test";

/** What answers as the server of an engine does. */
export function serverOf({ engine, clock }: TestEngine, options: AppOptions = {}): typeof fetch {
  const app = createApp(engine, { open: true, clock, ...options });
  return (input, init) => app.fetch(new Request(input, init));
}

let clientCount = 0;

/** A client on the clock of an engine, by default one of its own server. Each makes ids of its own. */
export function clientOf(test: TestEngine, more: Partial<ClientSettings> = {}) {
  const { clock } = test;
  clientCount += 1;
  const logger = recordingLogger();
  const client = new Client({
    clock,
    logger,
    ids: seededIds(createRandom(1000 + clientCount), clock),
    random: createRandom(1).next,
    server: SERVER,
    key: undefined,
    fetch: serverOf(test),
    isOff: false,
    refreshMs: 5000,
    patienceMs: 250,
    // Virtual time passes faster than a busy machine answers.
    timeoutMs: 1e9,
    bootstrap: [],
    ...more,
  });
  return { client, logger };
}
