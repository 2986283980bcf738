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
import { count, percent, plural } from "../../core/words/numbers.js";
import {
  createEngine,
  type Engine,
  type Evaluation,
  type Policy,
  type Project,
  type TickResult,
} from "../../index.js";
import { redacted } from "../../store/location.js";
import { type Game, playMastermind, type SolverConfig, secretFrom } from "../demo/mastermind.js";
import { armsTable, decidingNumbers, evidenceChart } from "../evaluation-views.js";
import type { Output } from "../output.js";
import { numberFrom } from "../settings.js";
import { sentences, verdictText } from "../views.js";

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
  readonly champion: SolverConfig;
  readonly challenger: SolverConfig;
  readonly policy: Policy;
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
      `The database ${redacted(url)} holds a demo already; name a new one with --db.`,
      { url: redacted(url) },
    );
  }
  const project = await engine.project<SolverConfig>(PROJECT, { champion });
  const { experiment } = await project.challenge(challenger, { share: SHARE, horizon: HORIZON });
  if (!experiment) throw new DethroneError("invariant_violated", "The demo's experiment did not start.");
  const play = project.wrap(
    (session, secret: string) => {
      const game = playMastermind(session.config, secret);
      session.signal({ name: "guesses", value: game.guessCount }).catch(() => undefined);
      return game;
    },
    { score: (game) => game.solved },
  );
  const nextSecret = (): string => secretFrom(random.next());
  return { engine, project, play, nextSecret, champion, challenger, policy: experiment.policy };
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

function title({ champion, challenger }: DemoRun, { colors }: Output): string {
  return [
    `${colors.bold("dethrone demo")}  an agent that breaks 4-peg codes in at most ${MAX_GUESSES} guesses`,
    `${colors.blue("champion")} ${champion.strategy}   ${colors.magenta("challenger")} ${challenger.strategy}   ${colors.dim(`gets ${percent(SHARE, 0)} of the sessions`)}`,
  ].join("\n");
}

function draw({ evaluation, ruling, path }: Frame, output: Output, run: DemoRun): string {
  const explained = { ruling, evaluation, policy: run.policy };
  return [
    title(run, output),
    "",
    armsTable(evaluation.arms, output.colors),
    "",
    evidenceChart(path, evaluation, output.colors),
    "",
    decidingNumbers(explained, output.colors),
    "",
    output.colors.dim(`${count(evaluation.sessionCount)} of at most ${count(HORIZON)} sessions`),
  ].join("\n");
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Shows the contest live at a terminal, and as a line now and then elsewhere; returns the last frame. */
async function watch(run: DemoRun, output: Output, isLive: boolean): Promise<Frame> {
  const update = createLogUpdate(process.stdout);
  let last: Frame | undefined;
  let ticks = 0;
  for await (const frame of contest(run)) {
    last = frame;
    ticks += 1;
    if (isLive) {
      update(draw(frame, output, run));
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
    const isLive = !output.isJson && process.stdout.isTTY === true;
    const last = await watch(run, output, isLive);
    const { evaluation, ruling } = last;
    const { verdict, reason } = ruling;
    const lookFurther = ["report", "history", "verify"].map(
      (name) => `npx dethrone ${name}${name === "verify" ? "" : ` ${PROJECT}`} --db ${redacted(url)}`,
    );
    output.result({ verdict, reason, evaluation, database: redacted(url), commands: lookFurther }, () =>
      [
        ...(isLive ? [""] : [draw(last, output, run), ""]),
        `${verdictText(ruling, output.colors)} after ${plural(evaluation.sessionCount, "session")}. Champion now: ${output.colors.bold(run.project.champion.strategy)}.`,
        sentences({ ruling, evaluation, policy: run.policy }),
        "",
        "Look further:",
        ...lookFurther.map((line) => `  ${output.colors.cyan(line)}`),
      ].join("\n"),
    );
  } finally {
    await run.engine.close();
  }
}
