import { runCli } from "../../src/cli/program.js";

/** What a command printed, and its exit code. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** standard output as JSON */
  readonly json: <T = Record<string, never>>() => T;
}

/** Runs the command line in this process, as `dethrone ...args` would. */
export async function cli(...args: string[]): Promise<CliRun> {
  let out = "";
  let err = "";
  const { write: writeOut } = process.stdout;
  const { write: writeErr } = process.stderr;
  const capture = (sink: (text: string) => void) =>
    ((chunk: string | Uint8Array) => {
      sink(String(chunk));
      return true;
    }) as typeof process.stdout.write;
  process.stdout.write = capture((text) => {
    out += text;
  });
  process.stderr.write = capture((text) => {
    err += text;
  });
  try {
    const code = await runCli(args);
    process.exitCode = 0;
    return { code, out, err, json: () => JSON.parse(out) };
  } finally {
    process.stdout.write = writeOut;
    process.stderr.write = writeErr;
  }
}
