import { vi } from "vitest";

/** Resolves once something holds that happens by itself; a busy machine takes its time. */
export const eventually = <T>(holds: () => T): Promise<Awaited<T>> =>
  vi.waitFor(holds, { timeout: 40_000 }) as Promise<Awaited<T>>;
