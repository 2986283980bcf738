// A process of an agent under torture: serves sessions, ticks and does what people do, at random, and writes down every
// thing it was told is stored the moment it is told, so that a kill cannot take it back.
import { writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createEngine, isDethroneError } from "../../dist/index.js";
import { chance, sleep } from "./support.mjs";

const settings = JSON.parse(process.argv[2]);
const {
  url,
  seed,
  sessions = Number.POSITIVE_INFINITY,
  abreast = 10,
  hands = true,
  windowMs,
  refreshMs = 200,
  tries = 8,
} = settings;
const { int, pick, isLucky, next } = chance(seed, "agent");
const say = (entry) => writeSync(1, `${JSON.stringify(entry)}\n`);
const because = { reason: "torture" };

// What the package may answer in trouble, or when another process was faster. Anything else is a bug.
const EXPECTED = ["unavailable", "conflict", "throttled", "not_found"];

/** Does it, and writes down why it did not work where it did not; null then. */
async function attempt(what, action) {
  try {
    return await action();
  } catch (error) {
    const code = isDethroneError(error) ? error.code : String(error?.stack ?? error);
    const isExpected = isDethroneError(error) && EXPECTED.includes(error.kind);
    say({ kind: isExpected ? "refused" : "broken", what, code, message: error?.message });
    return null;
  }
}

/** The same again under the same key until it is acknowledged, as a host does that wants to be sure. */
async function insist(what, action) {
  for (let tried = 0; tried < tries; tried += 1) {
    const receipt = await attempt(what, action);
    if (receipt) return receipt;
    await sleep(20);
  }
  return null;
}

async function serve(bot, index) {
  const unit = isLucky(0.7) ? `user-${int(0, 3000)}` : undefined;
  const context = isLucky(0.3) ? { plan: pick(["free", "pro"]) } : undefined;
  const session = await attempt("session", () => bot.session({ unit, context }));
  if (!session) return;
  const { id } = session;
  for (let i = int(0, 2); i > 0; i -= 1) {
    const [key, value] = [`key-${i}`, i + next()];
    const receipt = await insist("signal", () => session.signal({ name: "cost", value, key }));
    if (receipt) say({ kind: "signal", id, key, value, status: receipt.status });
  }
  if (isLucky(0.05)) return;
  const isGood = isLucky(session.arm === "challenger" ? 0.7 : 0.4);
  // Sums of such scores depend on the order they are added in: evidence that is equal bit for bit was folded in order.
  const score = isLucky(0.1) ? null : isLucky(0.7) ? Number(isGood) : next();
  const receipt = await insist("end", () => session.end(score === null ? {} : { score }));
  if (receipt) say({ kind: "end", id, score, status: receipt.status, index });
}

const policy = { horizon: 400, minPerArm: 10, futility: null, ...(windowMs && { windowMs }) };
const challenger = () => ({ prompt: `prompt ${int(0, 1e9)}` });

const HANDS = {
  tick: (_bot, engine) => engine.decide(),
  challenge: (bot) =>
    bot.challenge(challenger(), { share: pick([0.2, 0.5, "adaptive"]), policy, watch: isLucky(0.3) }),
  several: (bot) => bot.challenge([challenger(), challenger()], { share: 0.6, policy }),
  draft: async (bot) => {
    const { experiment } = await bot.draft(challenger(), { share: 0.5, policy });
    await bot.start(experiment.id, because);
  },
  promote: (bot) => bot.promote(because),
  abort: (bot) => bot.abort(because),
  rollback: (bot) => bot.rollback(because),
  revise: (bot) => bot.revise({ ...because, horizon: int(200, 900), share: pick([0.3, 0.5, 0.7]) }),
  pause: async (bot) => {
    await bot.pause(because);
    await bot.resume(because);
  },
  resume: (bot) => bot.resume(because),
  override: (bot) => bot.override(`user-${int(0, 3000)}`, pick(["champion", "challenger", null]), because),
};
const OFTEN = ["tick", "tick", "tick", "tick", "challenge", "challenge", "revise", "override", "pause"];

/** One of the things that people and schedulers do. */
async function byHand(bot, engine) {
  const name = isLucky(0.75) ? pick(OFTEN) : pick(Object.keys(HANDS));
  await attempt(name, () => HANDS[name](bot, engine));
}

const loop = monitorEventLoopDelay({ resolution: 5 });
const onDecision = ({ decision }) => say({ kind: "decision", id: decision });
const logger = { debug() {}, info() {}, warn() {}, error() {} };
// Strict, so that every session is recorded; a disk that fails may fail the opening too.
const engine = await insist("open", () => createEngine({ url, strict: true, refreshMs, logger, onDecision }));
const bot = await insist("project", () => engine.project("support", { champion: { prompt: "long" } }));
await attempt("challenge", () => bot.challenge(challenger(), { share: 0.5, policy }));
loop.enable();
for (let done = 0; done < sessions; done += abreast) {
  await Promise.all(
    Array.from({ length: Math.min(abreast, sessions - done) }, (_, i) => serve(bot, done + i)),
  );
  if (hands && isLucky(0.3)) await byHand(bot, engine);
}
const health = engine.health();
await engine.close();
say({ kind: "done", loopMs: loop.percentile(99) / 1e6, health });
