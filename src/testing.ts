/**
 * `dethrone/testing`: an engine on a virtual clock and seeded ids, for tests of agents that use dethrone.
 */
import { DEFAULT_WINDOW_MS } from "./core/decision/policy.js";
import { createRandom } from "./core/random.js";
import type { PrivacyGuard } from "./engine/configs/privacy.js";
import { Engine } from "./engine/engine.js";
import { seededIds, silentLogger } from "./engine/environment.js";
import type { DecisionEvent } from "./engine/experiments/decision-event.js";
import type { TickResult } from "./engine/experiments/tick.js";
import type { Clock, Logger, OpenStore } from "./engine/ports.js";
import type { ExposureSink } from "./engine/sessions/exposures.js";
import { locate } from "./store/location.js";
import { openSqlStore } from "./store/store.js";
import { VERSION } from "./version.js";

/** A clock that stands still until told otherwise. */
export interface TestClock extends Clock {
  /** Lets time pass; timers that fall due run in order. */
  advance(ms: number): void;
}

/** A virtual clock. @param startMs milliseconds since the epoch; default 2026-01-01T00:00Z */
export function createTestClock(startMs: number = Date.UTC(2026, 0, 1)): TestClock {
  let now = startMs;
  let timers: { readonly atMs: number; readonly fn: () => void }[] = [];
  const runDue = (end: number): boolean => {
    const due = timers.filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
    if (!due) return false;
    timers = timers.filter((timer) => timer !== due);
    now = Math.max(now, due.atMs);
    due.fn();
    return true;
  };
  return {
    now: () => now,
    after(ms, fn) {
      const timer = { atMs: now + ms, fn };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    advance(ms) {
      const end = now + ms;
      while (runDue(end));
      now = end;
    },
  };
}

/** How a test engine is made. */
export interface TestEngineOptions {
  /** default: a new virtual clock */
  readonly clock?: TestClock;
  /** of ids, and so of assignment; default 1 */
  readonly seed?: number;
  /** gives every session this role; such sessions are never evidence */
  readonly force?: "champion" | "challenger";
  /** default: a temporary database, removed on close */
  readonly url?: string;
  /** default: silent */
  readonly logger?: Logger;
  /** refuses texts that must not be stored */
  readonly guard?: PrivacyGuard;
  /** told of each decision that the engine makes */
  readonly onDecision?: (decision: DecisionEvent) => void | Promise<void>;
  /** told of each assignment; default none */
  readonly exposures?: readonly ExposureSink[];
}

/** An engine for tests, and the handles that drive it. */
export interface TestEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly clock: TestClock;
  /** Runs `fn` so many times, one after the other, a second of virtual time apart; resolves when all is stored. */
  runSessions<T>(count: number, fn: (index: number) => T | Promise<T>): Promise<T[]>;
  /** Lets every window close, then ticks once. */
  settleAll(): Promise<TickResult[]>;
  close(): Promise<void>;
}

const SESSION_MS = 1000;

/** The longest window of the running experiments, at least the default one. */
async function longestWindowMs(engine: Engine): Promise<number> {
  const keys = await engine.projectKeys();
  const experiments = await Promise.all(keys.map((key) => engine.experiments(key)));
  return Math.max(DEFAULT_WINDOW_MS, ...experiments.flat().map((experiment) => experiment.policy.windowMs));
}

/**
 * An engine over a temporary database, deterministic by its seed and clock.
 *
 * @example
 * const { engine, runSessions, settleAll } = await createTestEngine({ seed: 7 });
 */
export async function createTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const clock = options.clock ?? createTestClock();
  const location = locate(options.url ?? ":memory:");
  const openStore: OpenStore = ({ onChange }) => openSqlStore(location, { mustExist: false, onChange });
  const engine = await Engine.start({
    clock,
    ids: seededIds(createRandom(options.seed ?? 1), clock),
    logger: options.logger ?? silentLogger,
    openStore,
    isOff: false,
    isStrict: true,
    refreshMs: 5000,
    patienceMs: 250,
    version: VERSION,
    force: options.force,
    onDecision: options.onDecision,
    guard: options.guard,
    exposures: options.exposures,
  });
  const close = (): Promise<void> => engine.close();
  return {
    engine,
    clock,
    close,
    [Symbol.asyncDispose]: close,
    async runSessions(count, fn) {
      const results = [];
      for (let index = 0; index < count; index += 1) {
        clock.advance(SESSION_MS);
        results.push(await fn(index));
        // Lets the writer's answers arrive, however little the runner waits for.
        if (index % 500 === 499) await engine.flush();
      }
      await engine.flush();
      return results;
    },
    async settleAll() {
      await engine.flush();
      clock.advance((await longestWindowMs(engine)) + 1);
      return engine.decide();
    },
  };
}
