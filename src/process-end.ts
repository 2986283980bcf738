/**
 * The end of the host's process, as far as it concerns engines that are still open.
 */

/** A signal that asks a process to end. */
export type EndSignal = "SIGTERM" | "SIGINT" | "SIGHUP";

/** The signals that `closeOn` takes. */
export const END_SIGNALS: readonly EndSignal[] = ["SIGTERM", "SIGINT", "SIGHUP"];

type Close = () => Promise<void>;

/** Engines by what they are to be closed at; one listener stands for all, so that Node sees no leak in many engines. */
const waiting = new Map<string, Set<Close>>();

async function closeAll(event: string): Promise<void> {
  const closes = [...(waiting.get(event) ?? [])];
  for (const close of closes) leave(event, close);
  await Promise.allSettled(closes.map((close) => close()));
}

const onIdle = (): void => void closeAll("beforeExit");

async function onSignal(signal: NodeJS.Signals): Promise<void> {
  // Nobody waits for the next one: it ends the process at once, as people who send two expect.
  await closeAll(signal);
  // A host that listens too says itself when the process ends.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function listenerOf(event: string): (signal: NodeJS.Signals) => void {
  return event === "beforeExit" ? onIdle : onSignal;
}

function leave(event: string, close: Close): void {
  const closes = waiting.get(event);
  if (closes?.delete(close) && closes.size === 0) process.off(event, listenerOf(event));
}

/**
 * Closes an engine once nothing is left to do in the process, and at signals, which then end the process as they would
 * have without.
 *
 * @param signals none changes what a signal does unless it is named here
 * @returns what takes it back: the engine is closed
 */
export function closeAtEnd(close: Close, signals: readonly EndSignal[]): () => void {
  const events = ["beforeExit", ...signals];
  for (const event of events) {
    const closes = waiting.get(event) ?? new Set();
    waiting.set(event, closes);
    if (closes.size === 0) process.on(event, listenerOf(event));
    closes.add(close);
  }
  return () => {
    for (const event of events) leave(event, close);
  };
}
