import { createRandom } from "../../src/core/random.js";
import { Engine, type EngineSettings } from "../../src/engine/engine.js";
import { seededIds } from "../../src/engine/environment.js";
import type { OpenStore, Store } from "../../src/engine/ports.js";
import { locate } from "../../src/store/location.js";
import { openSqlStore } from "../../src/store/store.js";
import { createTestClock } from "../../src/testing.js";
import { recordingLogger } from "./recording-logger.js";
import { temporaryDatabase } from "./temporary.js";

/** An engine as a host gets it, not strict, on a virtual clock, over whatever store is opened. */
export async function engineOver(openStore: OpenStore, more: Partial<EngineSettings> = {}) {
  const clock = createTestClock();
  const logger = recordingLogger();
  const ids = seededIds(createRandom(1), clock);
  const isOff = false;
  const settings = {
    clock,
    ids,
    logger,
    openStore,
    isOff,
    isStrict: false,
    refreshMs: 5000,
    patienceMs: 250,
  };
  const engine = await Engine.start({ ...settings, version: "test", ...more });
  return { engine, clock, logger };
}

/** The real store over a temporary file, with some methods replaced, and the store itself. */
export async function faultyStore(faults: (store: Store) => Partial<Store>) {
  const real = await openSqlStore(locate(temporaryDatabase()), { mustExist: false });
  const replaced = faults(real);
  const store = new Proxy(real, {
    get: (target, name) => {
      const method: unknown = replaced[name as keyof Store] ?? Reflect.get(target, name);
      return typeof method === "function" ? method.bind(target) : method;
    },
  });
  return { store, real };
}
