import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach } from "vitest";
// So that its folders outlive the processes that write to them: hooks run in the reverse order.
import "./temporary.js";

const children: ChildProcess[] = [];

/** Ends a process that still runs, and waits until it has. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map(end));
});

/** A process of Node.js that is gone after the test. */
export function nodeProcess(...args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, args);
  children.push(child);
  return child;
}
