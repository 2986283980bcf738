/**
 * The HTTP server and its keys.
 */
import type { Command } from "commander";
import { createKey, type KeyFlags, listKeys, revokeKey } from "../commands/keys.js";
import type { ServeFlags } from "../commands/serve.js";
import { collect, contextOf } from "./context.js";

/** `serve`; `keys create`, `list`, `revoke` */
export function addServer(program: Command): void {
  program
    .command("serve")
    .description("the HTTP API, the dashboard and the scheduled decisions, in one process")
    .option("--host <host>", "where to listen; anywhere but this machine takes a key", "127.0.0.1")
    .option("--port <port>", "0 takes a free one", "4700")
    .option("--cron <expression>", "when to decide", "* * * * *")
    .option("--no-decide", "decide nothing: another process does")
    .option("--cors <origin>", "a web origin whose pages may call the API; repeatable", collect)
    .option("--requests-per-minute <count>", "of each key", "6000")
    .action(async (flags: ServeFlags, command: Command) => {
      // Loaded for this alone: no other command should wait for it.
      const { serve } = await import("../commands/serve.js");
      await serve(await contextOf(command), flags);
    });
  addKeys(program.command("keys").description("make, list and revoke keys of the HTTP server"));
}

function addKeys(keys: Command): void {
  keys
    .command("create <name>")
    .description("make a key and show it, this once")
    .option("--scope <scope>", "read, record or admin; repeatable, or as in read,record", collect, ["read"])
    .option("--project <key>", "only for this project; repeatable (default: all)", collect)
    .option("--expires <duration>", "after so long, e.g. 90d (default: never)")
    .action(async (name: string, flags: KeyFlags, command: Command) =>
      createKey(await contextOf(command), name, flags),
    );
  keys
    .command("list")
    .description("all keys, without what lets in")
    .action(async (_flags: object, command: Command) => listKeys(await contextOf(command)));
  keys
    .command("revoke <key>")
    .description("revoke a key by its id, the beginning of it, or its name")
    .action(async (ref: string, _flags: object, command: Command) =>
      revokeKey(await contextOf(command), ref),
    );
}
