/**
 * `demo`: a real agent, through the public API alone, from its first session to the decision.
 *
 * The agent breaks Mastermind codes. Its config is a strategy; a session is one game; success is solving it within the
 * guesses allowed. Nothing about the outcome is scripted: the two strategies play.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogUpdate } from "log-update";
import { DethroneError } from "../../core/errors.js";
import { createRandom } from "../../core/random.js";
import { createEngine, type Engine, type Evaluation, type Project, type TickResult } from "../../index.js";
import { type Game, playMastermind, type SolverConfig, secretFrom } from "../demo/mastermind.js";
import type { Output } from "../output.js";
import { count, percent, plural } from "../render.js";
import { numberFrom } from "../settings.js";
import { armsTable, decidingNumbers, evidenceChart, sentences, verdictText } from "../views.js";

/** Flags of `demo`. */
export interface DemoFlags {
  readonly swap?: boolean;
  readonly seed: string;
}

const PROJECT = "code-breaker";
/** Neither strategy always solves the code within four guesses, nor never. */
const MAX_GUESSES = 4;
const FIRST_CONSISTENT: SolverConfig = { strategy: "first-consistent", maxGuesses: MAX_GUESSES };
const MINIMAX: SolverConfig = { strategy: "minimax", maxGuesses: MAX_GUESSES };
const SHARE = 0.25;
const HORIZON = 800;
const GAMES_PER_TICK = 1;
/** A person should be able to follow the evidence. */
const FRAME_MS = 120;
const QUIET_TICKS = 20;

interface DemoRun {
  readonly engine: Engine;
  readonly project: Project<SolverConfig>;
  readonly play: (secret: string) => Promise<Game>;
  readonly nextSecret: () => string;
}

async function prepare(url: string, flags: DemoFlags): Promise<DemoRun> {
  const seed = numberFrom(flags.seed);
  const random = createRandom(seed);
  const [champion, challenger] = flags.swap ? [MINIMAX, FIRST_CONSISTENT] : [FIRST_CONSISTENT, MINIMAX];
  const engine = await createEngine({ url, strict: true });
  if ((await engine.projectKeys()).includes(PROJECT)) {
    await engine.close();
    throw new DethroneError(
      "project_exists",
      `The database ${url} holds a demo already; name a new one with --db.`,
      { url },
    );
  }
  const project = await engine.project<SolverConfig>(PROJECT, { champion });
  await project.challenge(challenger, { share: SHARE, horizon: HORIZON });
  const play = project.wrap(
    (session, secret: string) => {
      const game = playMastermind(session.config, secret);
      session.signal({ name: "guesses", value: game.guessCount }).catch(() => undefined);
      return game;
    },
    { score: (game) => game.solved },
  );
  return { engine, project, play, nextSecret: () => secretFrom(random.next()) };
}

interface Frame {
  readonly evaluation: Evaluation;
  readonly ruling: TickResult;
  /** evidence after each tick */
  readonly path: readonly number[];
}

/** Plays and ticks until the engine decides; yields what there is to see after each tick. */
async function* contest(run: DemoRun): AsyncGenerator<Frame> {
  const path: number[] = [0];
  for (;;) {
    for (let game = 0; game < GAMES_PER_TICK; game += 1) await run.play(run.nextSecret());
    const [ruling] = await run.engine.decide();
    const evaluation = await run.project.evaluate();
    if (!ruling || !evaluation)
      throw new DethroneError("invariant_violated", "The demo's experiment is gone.");
    path.push(evaluation.logEPromote);
    yield { evaluation, ruling, path };
    if (ruling.verdict !== "continue") return;
  }
}

function title(flags: DemoFlags, output: Output): string {
  const [champion, challenger] = flags.swap ? [MINIMAX, FIRST_CONSISTENT] : [FIRST_CONSISTENT, MINIMAX];
  const { colors } = output;
  return [
    `${colors.bold("dethrone demo")}  an agent that breaks 4-peg codes in at most ${MAX_GUESSES} guesses`,
    `${colors.blue("champion")} ${champion.strategy}   ${colors.magenta("challenger")} ${challenger.strategy}   ${colors.dim(`gets ${percent(SHARE, 0)} of the sessions`)}`,
  ].join("\n");
}

async function draw(frame: Frame, flags: DemoFlags, output: Output, run: DemoRun): Promise<string> {
  const report = await run.project.report();
  if (!report) return "";
  const { evaluation, ruling } = frame;
  const explained = { ruling, evaluation, policy: report.policy };
  return [
    title(flags, output),
    "",
    armsTable(evaluation.arms, output.colors),
    "",
    evidenceChart(frame.path, evaluation, output.colors),
    "",
    decidingNumbers(explained, output.colors),
    "",
    output.colors.dim(`${count(evaluation.sessionCount)} of at most ${count(HORIZON)} sessions`),
  ].join("\n");
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Shows the contest live at a terminal, and as a line now and then elsewhere; returns the last frame. */
async function watch(run: DemoRun, flags: DemoFlags, output: Output): Promise<Frame> {
  const isLive = !output.isJson && process.stdout.isTTY === true;
  const update = createLogUpdate(process.stdout);
  let last: Frame | undefined;
  let ticks = 0;
  for await (const frame of contest(run)) {
    last = frame;
    ticks += 1;
    if (isLive) {
      update(await draw(frame, flags, output, run));
      await pause(FRAME_MS);
    } else if (ticks % QUIET_TICKS === 0) {
      const { evaluation } = frame;
      output.note(
        `${plural(evaluation.sessionCount, "session")}: P(better) ${evaluation.probabilityBetter.toFixed(3)}, evidence ${Math.exp(evaluation.logEPromote).toFixed(2)} times`,
      );
    }
  }
  if (isLive) update.done();
  return last as Frame;
}

/** Runs the demo. */
export async function demo(output: Output, flagUrl: string | undefined, flags: DemoFlags): Promise<void> {
  const url = flagUrl ?? `file:${join(mkdtempSync(join(tmpdir(), "dethrone-demo-")), "demo.db")}`;
  const run = await prepare(url, flags);
  try {
    const last = await watch(run, flags, output);
    const isLive = !output.isJson && process.stdout.isTTY === true;
    const screen = isLive || output.isJson ? "" : `${await draw(last, flags, output, run)}\n`;
    const report = await run.project.report();
    if (!report) throw new DethroneError("invariant_violated", "The demo's experiment is gone.");
    const { verdict, reason } = last.ruling;
    const lookFurther = ["report", "history", "verify"].map(
      (name) => `npx dethrone ${name}${name === "verify" ? "" : ` ${PROJECT}`} --db ${url}`,
    );
    output.result(
      { verdict, reason, evaluation: report.evaluation, database: url, commands: lookFurther },
      () =>
        [
          screen,
          `${verdictText(last.ruling, output.colors)} after ${plural(report.evaluation.sessionCount, "session")}. Champion now: ${output.colors.bold(run.project.champion.strategy)}.`,
          sentences({ ruling: last.ruling, evaluation: report.evaluation, policy: report.policy }),
          "",
          "Look further:",
          ...lookFurther.map((line) => `  ${output.colors.cyan(line)}`),
        ].join("\n"),
    );
  } finally {
    await run.engine.close();
  }
}
