/**
 * A judge by a command: a test suite, a linter, a script.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Grade, Sample } from "./judge.js";
import { type Judge, type JudgeSettings, judge } from "./judge.js";

/** How a command judges. */
export interface CommandJudgeOptions extends JudgeSettings {
  /** the program and its arguments; no shell reads them */
  readonly command: readonly [program: string, ...args: string[]];
  /**
   * `exit` (the default): exit code 0 is good, any other bad; `stdout`: the last line written is the grade, and any other
   * exit code than 0 is a failure of the judge
   */
  readonly reads?: "exit" | "stdout";
  readonly cwd?: string;
  /** added to the environment of this process */
  readonly env?: Readonly<Record<string, string>>;
}

/** Bytes of the command's output that are kept, from the end. */
const KEPT_LENGTH = 64 * 1024;
/** Characters of standard error in a failure's message. */
const COMPLAINT_LENGTH = 500;

const isWindows = process.platform === "win32";

/**
 * A judge that runs a command, with `{ input, output }` as JSON on its standard input.
 *
 * When its time is up the command is killed with all it has started. One that cannot be run, or is killed by a signal, is
 * a failure of the judge and says nothing about the session.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const passes = commandJudge({ name: "tests_pass", version: "1", command: ["npm", "test"], timeoutMs: 600_000 });
 */
export function commandJudge(options: CommandJudgeOptions): Judge {
  const { command, reads, cwd, env, ...settings } = options;
  return judge({ ...settings, grade: (sample, { abortSignal }) => run(options, sample, abortSignal) });
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(options: CommandJudgeOptions, sample: Sample, abortSignal: AbortSignal): Promise<Grade> {
  const { code, stdout, stderr } = await ended(options, JSON.stringify(sample), abortSignal);
  const [program] = options.command;
  const complaint = stderr.trim().slice(-COMPLAINT_LENGTH);
  if (code === null) throw new Error(`'${program}' was killed: ${complaint}`);
  if (options.reads !== "stdout") return code === 0;
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (code !== 0 || line.trim() === "")
    throw new Error(`'${program}' gave no grade (exit code ${code}): ${complaint}`);
  return Number(line);
}

function ended(
  { command, cwd, env }: CommandJudgeOptions,
  stdin: string,
  abortSignal: AbortSignal,
): Promise<Ended> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      shell: false,
      // A process group of its own, so that what it starts can be killed with it.
      detached: !isWindows,
    });
    const outputs = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        outputs[name] = (outputs[name] + text).slice(-KEPT_LENGTH);
      });
    }
    const kill = (): void => killAll(child);
    abortSignal.addEventListener("abort", kill, { once: true });
    child.on("error", reject);
    child.on("close", (code) => {
      abortSignal.removeEventListener("abort", kill);
      resolve({ code, ...outputs });
    });
    // A command need not read what it is given.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}

function killAll(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(isWindows ? child.pid : -child.pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
