/**
 * A PostgreSQL server of one test run: on a socket in a temporary folder, without a port, gone at the end.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of a database of the server, where tests run on one */
    postgres: string;
  }
}

/** The folder of `initdb` and `pg_ctl`; null where PostgreSQL is not installed. */
export function postgresFolder(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb"))) ?? null;
}

/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** A server that can be stopped the hard way and started again. */
export class PostgresServer {
  readonly #bin: string;
  readonly #folder: string;
  readonly #settings: string;

  /** @param isSafe keep what is committed through a loss of power too; tests that restart nothing need not wait for it */
  constructor(bin: string, { isSafe = false }: { readonly isSafe?: boolean } = {}) {
    this.#bin = bin;
    this.#folder = mkdtempSync(join(tmpdir(), "dethrone-pg-"));
    if (isRoot) chownSync(this.#folder, NOBODY, NOBODY);
    const speed = isSafe ? "" : "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";
    this.#settings = `-c listen_addresses= -c unix_socket_directories=${this.#folder} -c max_connections=300 ${speed}`;
    this.#run("initdb", ["-D", this.#data, "-U", "dethrone", "-A", "trust", "-E", "UTF8", "--no-sync"]);
  }

  get #data(): string {
    return join(this.#folder, "data");
  }

  /** Of the database `postgres`. */
  get url(): string {
    return `postgres:///postgres?host=${this.#folder}&user=dethrone`;
  }

  #run(program: string, args: readonly string[]): void {
    execFileSync(join(this.#bin, program), args, {
      ...asNobody,
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
  }

  start(): void {
    const log = join(this.#folder, "log.txt");
    this.#run("pg_ctl", ["-D", this.#data, "-w", "-l", log, "-o", this.#settings, "start"]);
  }

  /** @param mode `immediate` as a crash does it */
  stop(mode: "fast" | "immediate"): void {
    this.#run("pg_ctl", ["-D", this.#data, "-m", mode, "-w", "stop"]);
  }

  remove(): void {
    const args = ["-D", this.#data, "-m", "immediate", "-w", "stop"];
    spawnSync(join(this.#bin, "pg_ctl"), args, { ...asNobody, cwd: this.#folder });
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Starts the server of a test run. */
export function setup(project: TestProject): () => void {
  const bin = postgresFolder();
  if (bin === null) throw new Error("PostgreSQL is not installed: apt-get install postgresql");
  const server = new PostgresServer(bin);
  server.start();
  project.provide("postgres", server.url);
  return () => server.remove();
}
