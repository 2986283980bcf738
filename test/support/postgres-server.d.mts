import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of a database of the server, where tests run on one */
    postgres: string;
  }
}

/** The folder of `initdb` and `pg_ctl`; null where PostgreSQL is not installed. */
export function postgresFolder(): string | null;

/** A server that can be stopped the hard way and started again. */
export class PostgresServer {
  /** @param options.isSafe keep what is committed through a crash too; default false: tests need not wait for the disk */
  constructor(bin: string, options?: { readonly isSafe?: boolean });
  /** of the database `postgres` */
  readonly url: string;
  start(): void;
  /** @param mode `immediate` as a crash does it */
  stop(mode: "fast" | "immediate"): void;
  /** Stops it and deletes all it has. */
  remove(): void;
}

/** Starts the server of a test run; what stops it. */
export function setup(project: TestProject): () => void;
