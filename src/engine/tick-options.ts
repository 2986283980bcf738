/**
 * How ticks run, once and on a schedule.
 */
import type { TickResult } from "./experiments/tick.js";

/** How a tick runs. */
export interface DecideOptions {
  /** only this project */
  readonly project?: string | undefined;
  /** find out, but store nothing */
  readonly dryRun?: boolean | undefined;
  readonly actor?: string | undefined;
  /** told of a project whose tick failed; the others go on. Default: it is logged, and a tick of one project rejects. */
  readonly onFailure?: ((project: string, error: unknown) => void) | undefined;
}

/** How a schedule runs. */
export interface ScheduleOptions extends DecideOptions {
  readonly onTick?: (results: TickResult[]) => void | Promise<void>;
  /** told of a tick that failed; it is logged in any case, and the next one tries again */
  readonly onError?: (error: unknown) => void;
  /** keeps the process alive; default false, so that a host may exit */
  readonly keepsAlive?: boolean;
}

/** A running schedule. */
export interface Schedule {
  /** when it ticks next, in milliseconds since the epoch; null once stopped */
  nextAtMs(): number | null;
  stop(): void;
}
