// An error at the n-th call of the store, for every n and every kind of error, until the host's story comes to its end
// without having met it. What the host calls in its agent's way must never reject; what it calls as a person may, with an
// error that says why; and the engine must come back by itself.
import { copyFileSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { createRandom } from "../../dist/core/random.js";
import { Engine } from "../../dist/engine/engine.js";
import { seededIds } from "../../dist/engine/environment.js";
import { isDethroneError } from "../../dist/index.js";
import { locate } from "../../dist/store/location.js";
import { storageError } from "../../dist/store/storage-error.js";
import { openSqlStore } from "../../dist/store/store.js";
import { createTestClock, createTestEngine } from "../../dist/testing.js";
import { check } from "./invariants.mjs";
import { story } from "./story.mjs";
import { chance, sleep } from "./support.mjs";

const STEP_PATIENCE_MS = 20_000;
/** These answer at once and ask nobody. */
const SYNCHRONOUS = ["queueLength", "isAlive", "hasRoom", "spool", "isSpooling"];

const storage = (code) => storageError({ code, message: `injected ${code}` }, "torture.db");

/** What may go wrong at a call: instead of it, or with it. */
const FAULTS = {
  SQLITE_BUSY: () => Promise.reject(storage("SQLITE_BUSY")),
  SQLITE_IOERR: () => Promise.reject(storage("SQLITE_IOERR")),
  SQLITE_FULL: () => Promise.reject(storage("SQLITE_FULL")),
  TypeError: () => {
    throw new TypeError("injected");
  },
  // Done, but nobody is told so.
  unanswered: async (call) => {
    await call();
    throw storage("SQLITE_IOERR");
  },
  exit: async (call, workers) => {
    const pending = call();
    // It is this file's until it is returned: the first thread that ends may reject it while the next is waited for.
    pending.catch(() => undefined);
    for (const worker of workers) await worker.terminate();
    return pending;
  },
};

/** Remembers the writers' threads, so that they can be ended. */
function watchWorkers() {
  const threads = createRequire(import.meta.url)("node:worker_threads");
  const Original = threads.Worker;
  const workers = new Set();
  threads.Worker = class extends Original {
    constructor(...settings) {
      super(...settings);
      workers.add(this);
      this.on("exit", () => workers.delete(this));
    }
  };
  syncBuiltinESMExports();
  const restore = () => {
    threads.Worker = Original;
    syncBuiltinESMExports();
  };
  return { workers, restore };
}

/** The store, with one fault at its n-th call; the names of all calls. */
function faultedStore(store, { fault, at, workers, calls }) {
  return new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      if (SYNCHRONOUS.includes(name) || name === "close") return method.bind(target);
      return (...input) => {
        calls.push(name);
        const call = () => method.apply(target, input);
        return calls.length === at ? FAULTS[fault](call, workers) : call();
      };
    },
  });
}

/** A step of the host: bounded, and remembered where it rejects and should not. */
function stepsFor(failures) {
  const bounded = async (what, action) => {
    const started = performance.now();
    const late = sleep(0).then(async () => {
      while (performance.now() - started < STEP_PATIENCE_MS) await sleep(100, undefined, { ref: false });
      throw new Error(`${what} never came back`);
    });
    return Promise.race([action(), late]);
  };
  const isTold = (error) => isDethroneError(error) || /injected/.test(error?.message);
  return {
    /** in the way of an agent: must not reject */
    must: async (what, action) => {
      try {
        return await bounded(what, action);
      } catch (error) {
        failures.push(`${what} rejected: ${error?.stack ?? error}`);
        return null;
      }
    },
    /** may reject, with an error that says why */
    may: async (what, action) => {
      try {
        return await bounded(what, action);
      } catch (error) {
        const isBug = !isTold(error) || (isDethroneError(error) && error.kind === "internal");
        if (isBug || /never came back/.test(error.message))
          failures.push(`${what} rejected with what it should not: ${error?.stack ?? error}`);
        return null;
      }
    },
  };
}

/** A database with a running experiment whose sessions have settled, so that the first tick promotes. */
async function template(folder) {
  const path = join(folder, "template.db");
  const { engine, runSessions, close } = await createTestEngine({ url: path, seed: 3 });
  const bot = await engine.project("support", { champion: { prompt: "long" } });
  await bot.challenge(
    { prompt: "short" },
    { share: 0.5, horizon: 400, policy: { minPerArm: 5, futility: null } },
  );
  await runSessions(160, async () => {
    const session = await bot.session();
    void session.end({ score: session.arm === "challenger" });
  });
  await close();
  return path;
}

/** One life of a host with one fault in it. */
async function life({ path, fault, at, workers, seed }) {
  const [failures, diary, calls] = [[], [], []];
  const clock = createTestClock(Date.UTC(2026, 0, 2));
  const openStore = async () =>
    faultedStore(await openSqlStore(locate(path), { mustExist: false }), { fault, at, workers, calls });
  const steps = stepsFor(failures);
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const engine = await steps.must("createEngine", () =>
    Engine.start({
      clock,
      ids: seededIds(createRandom(seed), clock),
      logger,
      openStore,
      isOff: false,
      isStrict: false,
      refreshMs: 5000,
      patienceMs: 250,
      version: "torture",
      onDecision: ({ decision }) => {
        diary.push({ kind: "decision", id: decision });
      },
    }),
  );
  await story({ engine, clock, diary, failures, ...steps });
  await steps.may("flush", () => engine.flush());
  await steps.must("close", () => engine.close());
  return { failures, diary, calls };
}

async function tortured({ folder, from, name, ...plan }) {
  const path = join(folder, `${name}.db`);
  copyFileSync(from, path);
  const { failures, diary, calls } = await life({ ...plan, path });
  const checked = await check(path, folder, diary);
  const place = `${plan.fault} at call ${plan.at} (${calls[plan.at - 1] ?? "none"}): `;
  return {
    isReached: calls.length >= plan.at,
    failures: [...failures, ...checked.failures].map((failure) => place + failure),
    counts: { rounds: 1, ...checked.counts },
    calls,
  };
}

/** Every call and every fault; in the short form some of them, by the seed. */
export async function callsScenario({ seed, isShort, folderFor, report }) {
  const random = chance(seed, "calls");
  const folder = folderFor("calls");
  const from = await template(folder);
  const { workers, restore } = watchWorkers();
  const unhandled = [];
  const onUnhandled = (error) => unhandled.push(`a rejection that nobody handled: ${error?.stack ?? error}`);
  process.on("unhandledRejection", onUnhandled);
  const shared = { folder, from, workers, seed };
  const run = async (fault, at) => {
    const { failures, ...rest } = await tortured({ ...shared, fault, at, name: `${fault}-${at}` });
    report({
      where: join(folder, `${fault}-${at}.db`),
      failures: [...failures, ...unhandled.splice(0).map((failure) => `${fault} at call ${at}: ${failure}`)],
      counts: rest.counts,
    });
    return rest;
  };
  try {
    const { calls } = await run("SQLITE_BUSY", Number.MAX_SAFE_INTEGER);
    for (const fault of Object.keys(FAULTS)) {
      if (isShort) {
        for (const at of [random.int(1, 3), random.int(4, calls.length)]) await run(fault, at);
        continue;
      }
      for (let at = 1; (await run(fault, at)).isReached; at += 1);
    }
  } finally {
    restore();
    process.off("unhandledRejection", onUnhandled);
  }
}
