import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DethroneError } from "../../src/core/errors.js";
import { currentSession } from "../../src/index.js";
import {
  commandJudge,
  type Grader,
  type JudgeOptions,
  judge,
  regexJudge,
} from "../../src/integrations/judges/index.js";
import { createTestClock, createTestEngine, type TestEngine } from "../../src/testing.js";
import { eventually } from "../support/eventually.js";
import { recordingLogger } from "../support/recording-logger.js";
import { temporaryFolder } from "../support/temporary.js";

const LONG = { prompt: "long" };
const SHORT = { prompt: "short" };

let test: TestEngine;
let logger: ReturnType<typeof recordingLogger>;

beforeEach(async () => {
  logger = recordingLogger();
  test = await createTestEngine({ seed: 5 });
});

afterEach(() => test.close());

async function contest() {
  const bot = await test.engine.project("support", { champion: LONG });
  await bot.challenge(SHORT, { share: 0.5, policy: { horizon: 100 } });
  return bot;
}

/** A session that keeps its signals. */
function session(id = "s1") {
  const signals: object[] = [];
  return { id, signals, signal: async (signal: object) => void signals.push(signal) };
}

const settings = <More extends object>(more: More) => ({ name: "helpful", version: "3", logger, ...more });
const sample = { input: "Where is my order?", output: "On its way." };

/** Lets what is due happen: graders are called in a later turn. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("a judge", () => {
  it("scores sessions by what it makes of input and output, with its name and version as the source", async () => {
    const bot = await contest();
    const helpful = judge(settings({ grade: ({ output }) => output === "short" }));
    const answer = bot.wrap(async (session, question: string) => {
      const output = session.config.prompt;
      helpful.submit(session, { input: question, output });
      return output;
    });
    for (let index = 0; index < 20; index += 1) await answer("?");
    await helpful.flush();
    await test.settleAll();
    const arms = (await bot.report())!.evaluation.arms;
    expect(arms.map(({ scoreSum }) => scoreSum)).toEqual([0, arms[1]!.sessionCount]);
    expect(arms[1]!.sessionCount).toBeGreaterThan(0);
    expect(helpful.counts).toEqual({
      graded: 20,
      late: 0,
      unsampled: 0,
      dropped: 0,
      abstained: 0,
      failed: 0,
    });
  });

  it("records one signal a session, and one a turn where turns are told apart", async () => {
    const one = session();
    const helpful = judge(settings({ kind: "implicit", grade: () => 0.25 }));
    helpful.submit(one, sample);
    helpful.submit(one, sample, "2");
    await helpful.flush();
    const signal = { name: "helpful", value: 0.25, kind: "implicit", source: "judge:helpful@3" };
    expect(one.signals).toEqual([
      { ...signal, key: "judge:helpful@3" },
      { ...signal, key: "judge:helpful@3:2" },
    ]);
  });

  it("that changes its mind leaves the first judgement as it is", async () => {
    const bot = await contest();
    const one = await bot.session();
    let value = 0.2;
    const helpful = judge(settings({ grade: () => value }));
    helpful.submit(one, sample);
    await helpful.flush();
    value = 0.9;
    helpful.submit(one, sample);
    await helpful.flush();
    await one.end();
    await test.settleAll();
    const [champion, challenger] = (await bot.report())!.evaluation.arms;
    expect(champion!.scoreSum + challenger!.scoreSum).toBe(0.2);
    expect(helpful.counts).toMatchObject({ graded: 2, failed: 0 });
  });

  it("comes too late for a session that has ended with a score, and counts that", async () => {
    const bot = await contest();
    const helpful = judge(settings({ grade: () => 1 }));
    const one = await bot.session();
    await one.end({ score: 0 });
    helpful.submit(one, sample);
    await helpful.flush();
    expect(helpful.counts).toMatchObject({ graded: 0, late: 1, failed: 0 });
  });

  it("of a metric gives any finite number, which bears on no score", async () => {
    const one = session();
    const words = judge({ name: "words", version: "1", kind: "metric", grade: () => 250 });
    words.submit(one, sample);
    await words.flush();
    expect(one.signals).toEqual([
      { name: "words", value: 250, source: "judge:words@1", key: "judge:words@1" },
    ]);
  });

  it("is blind: it gets input and output alone, and runs in no session", async () => {
    const bot = await contest();
    const seen: unknown[] = [];
    const grade: Grader = (given, { abortSignal }) => {
      seen.push(given, Object.keys({ abortSignal }), currentSession());
      return 1;
    };
    const helpful = judge(settings({ grade, concurrency: 1 }));
    await bot.wrap((session) => {
      helpful.submit(session, { ...sample, arm: session.arm } as typeof sample);
      helpful.submit(session, sample, "2");
    })();
    await helpful.flush();
    expect(seen).toEqual([sample, ["abortSignal"], undefined, sample, ["abortSignal"], undefined]);
  });

  it("is off the agent's path: it is not called before submit has returned", async () => {
    const calls: string[] = [];
    const helpful = judge(settings({ grade: () => void calls.push("graded") }));
    helpful.submit(session(), sample);
    await Promise.resolve();
    calls.push("returned");
    await helpful.flush();
    expect(calls).toEqual(["returned", "graded"]);
  });

  it("without an opinion records nothing", async () => {
    const one = session();
    const helpful = judge(settings({ grade: async () => undefined }));
    helpful.submit(one, sample);
    await helpful.flush();
    expect([one.signals, helpful.counts.abstained]).toEqual([[], 1]);
  });
});

describe("its sample", () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `session-${index}`);

  async function sampled(more: Partial<JudgeOptions>, of = ids): Promise<Set<string>> {
    const kept = new Set<string>();
    const helpful = judge(settings({ grade: () => 1, capacity: ids.length, concurrency: 1000, ...more }));
    const signal = (id: string) => async () => void kept.add(id);
    for (const id of of) helpful.submit({ id, signal: signal(id) }, sample);
    await helpful.flush();
    expect(helpful.counts.unsampled).toBe(of.length - kept.size);
    return kept;
  }

  it("is its share of the sessions, the same ones each time and for each version", async () => {
    const first = await sampled({ sample: 0.2 });
    expect(Math.abs(first.size / ids.length - 0.2)).toBeLessThan(0.01);
    expect(await sampled({ sample: 0.2, version: "4" })).toEqual(first);
    const other = await sampled({ sample: 0.2, name: "polite" });
    const both = [...other].filter((id) => first.has(id)).length;
    expect(Math.abs(both / ids.length - 0.04)).toBeLessThan(0.005);
    expect(await sampled({ sample: 0.2, name: "polite", seed: "helpful" })).toEqual(first);
  });

  it("is independent of the arm", async () => {
    const bot = await contest();
    const arms = new Map<string, string>();
    await test.runSessions(2000, async () => {
      const { id, arm } = await bot.session();
      arms.set(id, arm);
    });
    const kept = await sampled({ sample: 0.5 }, [...arms.keys()]);
    const share = (of: readonly string[]) =>
      of.filter((id) => arms.get(id) === "challenger").length / of.length;
    expect(Math.abs(share([...kept]) - share([...arms.keys()]))).toBeLessThan(0.05);
  });
});

describe("a judge that fails", () => {
  it("is tried again after 1, 2, 4, ... seconds, and then counted and logged", async () => {
    const clock = createTestClock();
    const calls: number[] = [];
    const start = clock.now();
    const grade = async () => {
      calls.push(clock.now() - start);
      throw new Error("the model is busy");
    };
    const helpful = judge(settings({ grade, retries: 3, clock }));
    const one = session();
    helpful.submit(one, sample);
    for (let second = 0; second < 7; second += 1) {
      await turn();
      clock.advance(1000);
    }
    await helpful.flush();
    expect(calls).toEqual([0, 1000, 3000, 7000]);
    expect(one.signals).toEqual([]);
    expect(helpful.counts.failed).toBe(1);
    expect(logger.messages).toEqual([
      {
        level: "warn",
        message: "a session could not be judged",
        fields: {
          judge: "judge:helpful@3",
          sessionId: "s1",
          error: "Error: the model is busy",
          times: 1,
        },
      },
    ]);
  });

  it("and then does not is none", async () => {
    const clock = createTestClock();
    let tries = 0;
    const grade = () => {
      tries += 1;
      if (tries === 1) throw new Error("once");
      return tries === 2 ? 7 : 1;
    };
    const helpful = judge(settings({ grade, clock }));
    const one = session();
    helpful.submit(one, sample);
    for (let second = 0; second < 3; second += 1) {
      await turn();
      clock.advance(1000);
    }
    await helpful.flush();
    expect([tries, one.signals.length, helpful.counts.failed]).toEqual([3, 1, 0]);
  });

  it("by taking too long is told so, and given up", async () => {
    const clock = createTestClock();
    let reason: unknown;
    const grade: Grader = (_, { abortSignal }) => {
      abortSignal.addEventListener("abort", () => {
        reason = abortSignal.reason;
      });
      return new Promise(() => undefined);
    };
    const helpful = judge(settings({ grade, retries: 0, timeoutMs: 500, clock }));
    helpful.submit(session(), sample);
    await turn();
    clock.advance(499);
    expect(reason).toBeUndefined();
    clock.advance(1);
    await helpful.flush();
    expect(reason).toMatchObject({ name: "TimeoutError" });
    expect(helpful.counts.failed).toBe(1);
  });

  it("takes nothing from the sessions that follow, nor does a session that cannot record", async () => {
    const helpful = judge(settings({ grade: ({ input }) => (input === "bad" ? Number.NaN : 1), retries: 0 }));
    const signal = async () => {
      throw new DethroneError("session_not_found", "There is none.");
    };
    helpful.submit(session(), { ...sample, input: "bad" });
    helpful.submit({ id: "gone", signal }, sample);
    const last = session("s2");
    helpful.submit(last, sample);
    await helpful.flush();
    expect([last.signals.length, helpful.counts]).toEqual([
      1,
      expect.objectContaining({ graded: 1, failed: 2 }),
    ]);
  });
});

describe("the queue of a judge", () => {
  it("grades so many at once, lets so many wait, and drops what comes then", async () => {
    const release: (() => void)[] = [];
    const grade = () => new Promise<number>((resolve) => release.push(() => resolve(1)));
    const helpful = judge(settings({ grade, concurrency: 2, capacity: 3 }));
    const one = session();
    for (let index = 0; index < 7; index += 1) helpful.submit(one, sample, String(index));
    await turn();
    expect(release).toHaveLength(2);
    expect(helpful.counts.dropped).toBe(2);
    let isFlushed = false;
    const flushed = helpful.flush().then(() => {
      isFlushed = true;
    });
    await eventually(() => {
      release.shift()?.();
      expect(helpful.counts.graded).toBe(5);
    });
    await flushed;
    expect([isFlushed, one.signals.length]).toEqual([true, 5]);
    expect(logger.messages[0]!.fields).toMatchObject({ code: "queue_full" });
  });

  it("is not waited for longer than to what has been submitted", async () => {
    const helpful = judge(settings({ grade: () => 1 }));
    await helpful.flush();
    expect(helpful.counts.graded).toBe(0);
  });
});

describe("a regex judge", () => {
  const grades = async (options: Partial<Parameters<typeof regexJudge>[0]>, outputs: unknown[]) => {
    const one = session();
    const polite = regexJudge({
      name: "polite",
      version: "1",
      pattern: /thank/gi,
      concurrency: 1,
      ...options,
    });
    outputs.forEach((output, index) => {
      polite.submit(one, { input: "", output }, String(index));
    });
    await polite.flush();
    return one.signals.map((signal) => (signal as { value: boolean }).value);
  };

  it("looks for a pattern in a text or the JSON of anything else, whatever its flags", async () => {
    const outputs = ["Thank you", "Thank you", "No.", { text: "thanks" }, undefined];
    expect(await grades({}, outputs)).toEqual([true, true, false, true, false]);
    expect(await grades({ good: "none" }, outputs)).toEqual([false, false, true, false, true]);
    expect(await grades({ text: () => "thanks" }, ["No."])).toEqual([true]);
  });
});

describe("a command judge", () => {
  const node = (script: string): [string, ...string[]] => [process.execPath, "-e", script];

  async function judged(
    options: Partial<Parameters<typeof commandJudge>[0]> & { command: [string, ...string[]] },
  ) {
    const one = session();
    const tests = commandJudge({ name: "tests_pass", version: "1", retries: 0, logger, ...options });
    tests.submit(one, sample);
    await tests.flush();
    const failure = logger.messages.at(-1)?.fields.error;
    return { values: one.signals.map((signal) => (signal as { value: unknown }).value), failure };
  }

  it("is good where the command exits with 0, and bad where with another code", async () => {
    expect(await judged({ command: node("process.exit(0)") })).toMatchObject({ values: [true] });
    expect(await judged({ command: node("process.exit(3)") })).toMatchObject({ values: [false] });
  });

  it("gets input and output as JSON, its own folder and environment, and no shell", async () => {
    const folder = temporaryFolder();
    const script = `
      const fs = require("node:fs");
      fs.writeFileSync("seen.json", JSON.stringify({
        sample: JSON.parse(fs.readFileSync(0, "utf8")), star: process.argv[1], word: process.env.WORD, path: Boolean(process.env.PATH),
      }));`;
    await judged({ command: [process.execPath, "-e", script, "*"], cwd: folder, env: { WORD: "hello" } });
    expect(JSON.parse(readFileSync(join(folder, "seen.json"), "utf8"))).toEqual({
      sample,
      star: "*",
      word: "hello",
      path: true,
    });
  });

  it("may write its grade on the last line", async () => {
    const reads = "stdout" as const;
    expect(await judged({ reads, command: node("console.log('graded'); console.log(0.75)") })).toMatchObject({
      values: [0.75],
    });
    for (const script of [
      "console.log('great')",
      "",
      "console.log(1); console.error('oh'); process.exit(1)",
    ]) {
      expect(await judged({ reads, command: node(script) })).toMatchObject({ values: [] });
    }
    expect(logger.messages[0]!.fields).toMatchObject({ code: "signal_invalid" });
  });

  it("that cannot be run, or is killed, says nothing about the session", async () => {
    expect(await judged({ command: ["/there/is/no/such/program"] })).toMatchObject({
      values: [],
      failure: expect.stringContaining("ENOENT"),
    });
    logger.messages.length = 0;
    expect(
      await judged({ command: node("console.error('why'); process.kill(process.pid, 'SIGKILL')") }),
    ).toEqual({
      values: [],
      failure: expect.stringContaining("was killed: why"),
    });
  });

  it("whose time is up is killed with all it has started", async () => {
    const folder = temporaryFolder();
    const started = join(folder, "started");
    const child = `require("node:fs").writeFileSync(${JSON.stringify(started)}, String(process.pid)); setInterval(() => 0, 1000)`;
    const script = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" })`;
    const clock = createTestClock();
    const one = session();
    const tests = commandJudge({ ...settings({}), command: node(script), retries: 0, timeoutMs: 500, clock });
    tests.submit(one, sample);
    await eventually(() => expect(existsSync(started) && readFileSync(started, "utf8")).toMatch(/^\d+$/));
    const pid = Number(readFileSync(started, "utf8"));
    clock.advance(500);
    await tests.flush();
    expect(tests.counts.failed).toBe(1);
    // Until it has been reaped a killed process is still there, as a zombie.
    const isGone = () => {
      try {
        return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      } catch {
        return true;
      }
    };
    await eventually(() => expect(isGone()).toBe(true));
  });
});

it("settings that are none are refused", () => {
  const wrong = [
    { name: "" },
    { version: "" },
    { version: "v".repeat(200) },
    { grade: "well" },
    { kind: "expert" },
    { sample: 0 },
    { sample: 1.1 },
    { retries: -1 },
    { timeoutMs: 2 ** 31 },
    { concurrency: 0 },
    { capacity: 0.5 },
  ] as unknown as Partial<JudgeOptions>[];
  for (const each of wrong) {
    const options = { ...settings({ grade: () => 1 }), ...each } as JudgeOptions;
    expect(() => judge(options), JSON.stringify(each)).toThrow(
      expect.objectContaining({ code: "settings_invalid" }),
    );
  }
});
