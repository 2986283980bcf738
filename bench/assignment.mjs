// From a session to its arm, without a network: what `project.session()` does in arithmetic, against a bare hash loop and
// what other libraries do for a split of 50 to 50. 20 experiments, ids of UUID version 7.

import { join } from "node:path";
import { v7 } from "uuid";
import { routeOf } from "../dist/engine/sessions/route.js";
import { createEngine } from "../dist/index.js";
import { locate } from "../dist/store/location.js";
import { openSqlStore } from "../dist/store/store.js";
import { bareLoop } from "./bare-loop.mjs";
import { peersOf } from "./peers.mjs";
import { interleaved, isShort, median, ratioOf } from "./table.mjs";

const EXPERIMENTS = 20;
// A power of two, so that a running number is cut down to a place by its low bits.
const IDS = isShort ? 1024 : 65_536;

/** Snapshots as a process holds them, of experiments with two challengers. */
async function snapshots(path) {
  const keys = Array.from({ length: EXPERIMENTS }, (_, i) => `agent-${i}`);
  const engine = await createEngine({ url: path, strict: true });
  for (const key of keys) {
    const project = await engine.project(key, { champion: { model: "a" } });
    await project.challenge([{ model: "b" }, { model: "c" }], { share: 0.3 });
  }
  await engine.close();
  const store = await openSqlStore(locate(path), { mustExist: true });
  const states = [];
  for (const key of keys) states.push(await store.projectState(key));
  await store.close();
  return states;
}

/** A loop that gives other arms than we do would be no limit of anything. */
function assertAlike(bare, states, ids) {
  for (const [i, state] of states.entries()) {
    for (const unit of ids.slice(0, 200)) {
      const { experiment, arm } = routeOf(state, { unit, context: null, forced: undefined });
      if (experiment.arms[bare(state.key, unit)].id !== arm.id)
        throw new Error(`the bare loop differs in experiment ${i}`);
    }
  }
}

/** What a session without a unit costs all in all, its start record queued; asked for in rounds that the queue has room for. */
async function wholeSessions(path, table, bare) {
  const engine = await createEngine({ url: path, strict: true });
  const project = await engine.project("agent-0");
  const rates = [];
  const count = isShort ? 200 : 10_000;
  for (let round = 0; round <= 5; round += 1) {
    const start = performance.now();
    for (let i = 0; i < count; i += 1) await project.session();
    if (round > 0) rates.push((1000 * count) / (performance.now() - start));
    await engine.flush();
  }
  await engine.close();
  const perSecond = median(rates);
  table.add("session(), start queued for the file", perSecond, "bare loop", perSecond / bare);
}

export async function assignmentBench(table, folder) {
  console.log("Assignment: from a session to an arm, in memory");
  const path = join(folder, "assignment.db");
  const states = await snapshots(path);
  const byKey = new Map(states.map((state) => [state.key, state]));
  const keys = [...byKey.keys()];
  const ids = Array.from({ length: IDS }, () => v7());
  const bare = bareLoop(states);
  assertAlike(bare, states, ids);
  // Added up, so that no compiler may leave the work out.
  let sum = 0;
  const ours = (i) => {
    const session = { unit: ids[i & (IDS - 1)], context: null, forced: undefined };
    sum += routeOf(byKey.get(keys[i % EXPERIMENTS]), session).arm.id;
  };
  const loop = (i) => {
    sum += bare(keys[i % EXPERIMENTS], ids[i & (IDS - 1)]);
  };
  const { contenders, close } = await peersOf(table, { keys, idAt: (i) => ids[i & (IDS - 1)] });
  const rates = await interleaved([["bare", loop], ["ours", ours], ...contenders]);
  await close();
  if (!(sum > 0)) throw new Error("nothing was assigned");
  const own = rates.get("ours");
  const bareRates = rates.get("bare");
  table.add("bare hash loop", median(bareRates), "bare loop", 1);
  table.add("assignment", median(own), "bare loop", ratioOf(own, bareRates), 0.4);
  for (const [name] of contenders)
    table.add(name, median(rates.get(name)), "bare loop", ratioOf(rates.get(name), bareRates));
  const [fastest] = contenders
    .map(([name]) => name)
    .sort((a, b) => median(rates.get(b)) - median(rates.get(a)));
  if (fastest)
    table.add("assignment", median(own), `fastest peer (${fastest})`, ratioOf(own, rates.get(fastest)), 3);
  await wholeSessions(path, table, median(bareRates));
  console.log("");
}
