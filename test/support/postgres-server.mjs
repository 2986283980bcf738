// A PostgreSQL server for tests and torture: on a socket in a temporary folder, without a port, gone at the end. Types are
// in the file beside this one.
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function postgresFolder() {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => join(debian, version, "bin"));
  const onPath = (process.env.PATH ?? "").split(":");
  return [...folders, ...onPath].find((folder) => existsSync(join(folder, "initdb"))) ?? null;
}

// PostgreSQL refuses to run as root.
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

export class PostgresServer {
  #bin;
  #folder;
  #settings;

  constructor(bin, { isSafe = false } = {}) {
    this.#bin = bin;
    this.#folder = mkdtempSync(join(tmpdir(), "dethrone-pg-"));
    if (isRoot) chownSync(this.#folder, NOBODY, NOBODY);
    const speed = isSafe ? "" : "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";
    const place = `-c listen_addresses= -c unix_socket_directories=${this.#folder}`;
    this.#settings = `${place} -c max_connections=300 ${speed}`;
    this.#run("initdb", ["-D", this.#data, "-U", "dethrone", "-A", "trust", "-E", "UTF8", "--no-sync"]);
  }

  get #data() {
    return join(this.#folder, "data");
  }

  get url() {
    return `postgres:///postgres?host=${this.#folder}&user=dethrone`;
  }

  #run(program, args) {
    execFileSync(join(this.#bin, program), args, {
      ...asNobody,
      cwd: this.#folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    });
  }

  start() {
    const log = join(this.#folder, "log.txt");
    this.#run("pg_ctl", ["-D", this.#data, "-w", "-l", log, "-o", this.#settings, "start"]);
  }

  stop(mode) {
    this.#run("pg_ctl", ["-D", this.#data, "-m", mode, "-w", "stop"]);
  }

  remove() {
    const args = ["-D", this.#data, "-m", "immediate", "-w", "stop"];
    spawnSync(join(this.#bin, "pg_ctl"), args, { ...asNobody, cwd: this.#folder });
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export function setup(project) {
  const bin = postgresFolder();
  if (bin === null) throw new Error("PostgreSQL is not installed: apt-get install postgresql");
  const server = new PostgresServer(bin);
  server.start();
  project.provide("postgres", server.url);
  return () => server.remove();
}
