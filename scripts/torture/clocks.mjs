// Two engines on one file, each on a clock of its own that jumps back and forth by hours between steps.
import { join } from "node:path";
import { Engine } from "../../dist/engine/engine.js";
import { seededIds } from "../../dist/engine/environment.js";
import { isDethroneError } from "../../dist/index.js";
import { locate } from "../../dist/store/location.js";
import { openSqlStore } from "../../dist/store/store.js";
import { check } from "./invariants.mjs";
import { chance } from "./support.mjs";

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);
const because = { reason: "torture" };
const logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A clock that goes where it is told, also back; its timers wait in real time. */
function jumpingClock() {
  let nowMs = START_MS;
  return {
    now: () => nowMs,
    after(ms, fn) {
      const timer = setTimeout(fn, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
    jump: (ms) => {
      nowMs += ms;
    },
  };
}

async function engineOn(path, random, diary) {
  const clock = jumpingClock();
  const engine = await Engine.start({
    clock,
    ids: seededIds(random.random, clock),
    logger,
    openStore: () => openSqlStore(locate(path), { mustExist: false }),
    isOff: false,
    isStrict: true,
    refreshMs: 50,
    patienceMs: 10_000,
    version: "torture",
    onDecision: ({ decision }) => {
      diary.push({ kind: "decision", id: decision });
    },
  });
  const bot = await engine.project("support", { champion: { prompt: "long" } });
  return { engine, bot, clock, open: [] };
}

async function attempt(what, action, failures) {
  try {
    return await action();
  } catch (error) {
    const isExpected = isDethroneError(error) && ["conflict", "not_found"].includes(error.kind);
    if (!isExpected) failures.push(`${what}: ${error?.stack ?? error}`);
    return null;
  }
}

const POLICY = {
  horizon: 300,
  minPerArm: 10,
  futility: null,
  windowMs: 6 * HOUR_MS,
  maxDurationMs: 400 * HOUR_MS,
};

/** What an engine may do between two jumps of its clock. */
function stepsOf({ random, diary, failures }) {
  const { int, isLucky, next, pick } = random;
  const start = async ({ bot, open }) => {
    const unit = isLucky(0.7) ? `user-${int(0, 2000)}` : undefined;
    open.push(await bot.session({ unit }));
  };
  const end = async (side) => {
    const session = side.open.splice(isLucky(0.8) ? 0 : int(0, side.open.length), 1)[0];
    if (!session) return;
    const { id } = session;
    const score = isLucky(0.2)
      ? null
      : isLucky(0.8)
        ? Number(isLucky(session.arm === "challenger" ? 0.7 : 0.4))
        : next();
    const { status } = await session.end(score === null ? {} : { score });
    diary.push({ kind: "end", id, score, status });
  };
  const signal = async (side) => {
    if (side.open.length === 0) return;
    const { id } = pick(side.open);
    const [key, value] = [`key-${diary.length}`, next()];
    // By either engine: the other one's clock may be hours away.
    const { status } = await side.engine.signal(id, { name: "grade", kind: "explicit", value, key });
    diary.push({ kind: "signal", id, key, value, status });
  };
  const tick = ({ engine }) => attempt("tick", () => engine.decide(), failures);
  const challenge = ({ bot }) =>
    attempt(
      "challenge",
      () => bot.challenge({ prompt: `p${int(0, 1e9)}` }, { share: 0.5, policy: POLICY }),
      failures,
    );
  const revise = ({ bot }) =>
    attempt("revise", () => bot.revise({ ...because, horizon: int(200, 500) }), failures);
  const draft = ({ bot, clock }) => {
    const startsAt = new Date(clock.now() + int(-5, 20) * HOUR_MS);
    return attempt(
      "draft",
      () => bot.draft({ prompt: `p${int(0, 1e9)}` }, { share: 0.3, policy: POLICY, startsAt }),
      failures,
    );
  };
  const common = [start, start, start, start, end, end, end, signal, tick];
  return () => (isLucky(0.985) ? pick(common) : pick([challenge, revise, draft]));
}

/** Jumps, steps and checks; so many lives of two engines. */
export async function clocksScenario({ seed, isShort, folderFor, report }) {
  for (let round = 0; round < (isShort ? 1 : 10); round += 1) {
    const random = chance(seed, "clocks", String(round));
    const folder = folderFor(`clocks-${round}`);
    const path = join(folder, "torture.db");
    const [diary, failures] = [[], []];
    const sides = [await engineOn(path, random, diary), await engineOn(path, random, diary)];
    const step = stepsOf({ random, diary, failures });
    await sides[0].bot.challenge({ prompt: "short" }, { share: 0.5, policy: POLICY });
    for (let i = 0; i < (isShort ? 80 : 400); i += 1) {
      const side = random.pick(sides);
      side.clock.jump(random.isLucky(0.1) ? random.int(-8, 9) * HOUR_MS : random.int(-60_000, 180_000));
      const actions = Array.from({ length: random.int(1, 16) }, step);
      await Promise.all(actions.map((action) => attempt(action.name, () => action(side), failures)));
    }
    for (const { engine } of sides) await engine.flush();
    for (const { engine } of sides) await engine.close();
    const checked = await check(path, folder, diary);
    report({
      where: folder,
      failures: [...failures, ...checked.failures],
      counts: { rounds: 1, ...checked.counts },
    });
  }
}
