// Requests to the server against a bare hono that parses the same bodies and answers as much, both on a socket of their
// own process, many in flight, by turns. What the server has acknowledged is on disk.
import { fork } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isShort, median, ratioOf } from "./table.mjs";

const SCRIPT = fileURLToPath(new URL("server-process.mjs", import.meta.url));
// Many short turns: what else the machine does then falls on all of them alike.
const ROUNDS = isShort ? 1 : 40;
const SECONDS = isShort ? 0.2 : 0.5;
const IN_FLIGHT = 128;

/** A server in a process of its own. */
function started(kind, path) {
  const child = fork(SCRIPT, [kind, path], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return new Promise((resolve) => {
    child.once("message", ({ port }) => {
      const stop = () => new Promise((done) => child.once("exit", done).send("stop"));
      resolve({ port, stop });
    });
  });
}

/** One connection that asks again as soon as it is answered; until `isOver`. Gives the answers' bodies to `take`. */
function asking(port, requestOf, isOver, take) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    let held = "";
    const ask = () => {
      const { path, body } = requestOf();
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    };
    socket.on("connect", ask).on("error", reject);
    socket.on("data", (chunk) => {
      held += chunk;
      const end = held.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(held)?.[1]);
      if (held.length < end + 4 + length) return;
      if (!/^HTTP\/1.1 20/.test(held)) return void reject(new Error(held));
      take(held.slice(end + 4));
      held = "";
      if (!isOver()) return ask();
      socket.end();
      resolve();
    });
  });
}

/** Requests answered in a second. */
async function rateOf(port, requestOf, take = () => {}) {
  const start = performance.now();
  const end = start + 1000 * SECONDS;
  let answered = 0;
  const count = (body) => {
    answered += 1;
    take(body);
  };
  const isOver = () => performance.now() >= end;
  await Promise.all(Array.from({ length: IN_FLIGHT }, () => asking(port, requestOf, isOver, count)));
  return answered / ((performance.now() - start) / 1000);
}

/** A thousand operations of sessions as a client tells of them. */
function batchOf(hash) {
  let next = 0;
  return () => {
    const atMs = Date.now();
    const operations = Array.from({ length: 50 }, () => {
      next += 1;
      const id = `s-${process.pid}-${next}`;
      const start = {
        type: "start",
        id,
        project: "bench",
        config: hash,
        experiment: null,
        arm: null,
        unit: null,
      };
      return [
        { ...start, shares: null, excluded: null, context: null, root: null, atMs },
        { type: "end", session: id, score: next % 2, atMs },
      ];
    }).flat();
    return { path: "/v1/records", body: JSON.stringify({ sentAtMs: atMs, operations }) };
  };
}

export async function serverBench(table, folder) {
  console.log(`Serving: ${IN_FLIGHT} requests in flight, durably, against a bare hono`);
  const server = await started("dethrone", join(folder, "server.db"));
  const bare = await started("bare", "");
  const snapshot = await fetch(`http://127.0.0.1:${server.port}/v1/projects/bench/snapshot`);
  const { champion } = await snapshot.json();
  const rates = { start: [], bareStart: [], signal: [], scattered: [], bareSignal: [], batch: [] };
  const starting = () => ({ path: "/v1/projects/bench/sessions", body: '{"context":{"plan":"pro"}}' });
  const ids = [];
  const signalOf = (id) => ({
    path: `/v1/sessions/${id}/signals`,
    body: '{"name":"thumbs","value":1,"kind":"explicit"}',
  });
  let next = 0;
  // As outcomes come: some time after their sessions, so in about the order these began.
  const signalling = () => signalOf(ids[next++ % ids.length]);
  // Each one somewhere else in the index, which a database writes a page at a time.
  const scattering = () => signalOf(ids[Math.floor(Math.random() * ids.length)]);
  const batch = batchOf(champion.hash);
  for (let round = 0; round <= ROUNDS; round += 1) {
    const taken = [
      ["bareStart", await rateOf(bare.port, starting)],
      ["start", await rateOf(server.port, starting, (body) => ids.push(JSON.parse(body).id))],
      ["bareSignal", await rateOf(bare.port, signalling)],
      ["signal", await rateOf(server.port, signalling)],
      ["scattered", await rateOf(server.port, scattering)],
      ["batch", (await rateOf(server.port, batch)) * 100],
    ];
    // The first round warms up.
    if (round > 0) for (const [name, rate] of taken) rates[name].push(rate);
  }
  await Promise.all([server.stop(), bare.stop()]);
  const add = (name, rate, reference, target) =>
    table.add(name, median(rate), "bare hono", ratioOf(rate, reference), target);
  add("POST sessions, placed by the server", rates.start, rates.bareStart, 0.6);
  add("POST signals, in the order their sessions began", rates.signal, rates.bareSignal, 0.6);
  add("POST signals, of any session", rates.scattered, rates.bareSignal);
  add("POST records: operations, 100 a request", rates.batch, rates.bareSignal);
  console.log("");
}
