import { createApp } from "../../../src/server/app.js";
import { listen } from "../../../src/server/listen.js";
import { createTestEngine } from "../../../src/testing.js";

/** A server that listens, over a database of its own. */
export async function servedEngine() {
  const { engine } = await createTestEngine();
  const { url, stop } = await listen(createApp(engine, { open: true }), { port: 0 });
  const results = (): Promise<number[]> =>
    engine.sessions().then(({ sessions }) => sessions.map(({ score }) => Number(score)));
  return { url, results, stop: () => stop().then(() => engine.close()) };
}
