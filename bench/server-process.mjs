// One server of the benchmark: dethrone's, or a bare hono. Tells its port, and stops when told to.
import { randomUUID } from "node:crypto";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createEngine } from "../dist/index.js";
import { createApp, listen } from "../dist/server/index.js";

const [, , kind, path] = process.argv;

async function dethrone() {
  const engine = await createEngine({ url: path, strict: true });
  await engine.project("bench", { champion: { model: "a" } });
  const app = createApp(engine, { open: true, requestsPerMinute: 1e9 });
  const server = await listen(app, { port: 0 });
  const stop = async () => {
    await server.stop();
    await engine.close();
  };
  return { port: server.port, stop };
}

async function bare() {
  const app = new Hono();
  app.post("/v1/projects/:project/sessions", async (c) => {
    await c.req.json();
    const answer = {
      id: randomUUID(),
      project: c.req.param("project"),
      config: { model: "a" },
      arm: "champion",
    };
    return c.json({ ...answer, place: 0, experiment: null, unit: null, root: null, isResumed: false }, 201);
  });
  app.post("/v1/sessions/:session/signals", async (c) => {
    await c.req.json();
    return c.json({ status: "recorded" });
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  return { port: server.address().port, stop: async () => server.closeAllConnections() };
}

const { port, stop } = await (kind === "bare" ? bare() : dethrone());
process.once("message", async () => {
  await stop();
  process.exit(0);
});
process.send({ port });
