/**
 * Keys of the HTTP server: `keys create`, `list`, `revoke`.
 */
import type { KeySummary } from "../../engine/access/keys.js";
import type { Scope } from "../../engine/ports.js";
import { withEngine } from "../open.js";
import { type Colors, table } from "../render.js";
import { durationMs, invalidFlag } from "../settings.js";
import { timeText } from "../views.js";
import type { CommandContext } from "./context.js";

/** Flags of `keys create`. */
export interface KeyFlags {
  readonly scope: readonly string[];
  readonly project?: readonly string[];
  readonly expires?: string;
}

const SCOPES: readonly string[] = ["read", "record", "admin"] satisfies Scope[];

/** `keys create NAME` */
export async function createKey(context: CommandContext, name: string, flags: KeyFlags): Promise<void> {
  const scopes = flags.scope.flatMap((text) => text.split(",")).map((text) => text.trim());
  const unknown = scopes.find((scope) => !SCOPES.includes(scope));
  if (unknown !== undefined) invalidFlag("--scope", unknown, `a list out of ${SCOPES.join(", ")}`);
  const expiresAtMs = flags.expires === undefined ? null : Date.now() + durationMs(flags.expires);
  // The first key comes before the first start of a server, and so before its database.
  await withEngine(context.url, { mustExist: false }, async ({ engine }) => {
    const input = { name, scopes: scopes as Scope[], projects: flags.project ?? null, expiresAtMs };
    const key = await engine.keys.create(input);
    context.output.note("This is the only time the key is shown; only its hash is stored.");
    context.output.result(key, () => key.key);
  });
}

/** `keys list` */
export async function listKeys(context: CommandContext): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const keys = await engine.keys.list();
    context.output.result({ keys }, () => keysText(keys, context.output.colors));
  });
}

/** `keys revoke KEY` */
export async function revokeKey(context: CommandContext, ref: string): Promise<void> {
  await withEngine(context.url, { mustExist: true }, async ({ engine }) => {
    const key = await engine.keys.revoke(ref);
    context.output.result(key, () => `Revoked key ${key.name} (${key.id}).`);
  });
}

function stateOf({ revokedAtMs, expiresAtMs }: KeySummary, colors: Colors): string {
  if (revokedAtMs !== null) return colors.dim(`revoked ${timeText(revokedAtMs)}`);
  if (expiresAtMs === null) return "active";
  const isOver = expiresAtMs <= Date.now();
  return isOver ? colors.dim(`expired ${timeText(expiresAtMs)}`) : `until ${timeText(expiresAtMs)}`;
}

function keysText(keys: readonly KeySummary[], colors: Colors): string {
  if (keys.length === 0) return "There is no key. Make one with 'dethrone keys create NAME'.";
  const rows = keys.map((key) => [
    key.name,
    key.id,
    key.scopes.join(" "),
    key.projects?.join(" ") ?? "all",
    stateOf(key, colors),
    key.lastUsedAtMs === null ? "never" : timeText(key.lastUsedAtMs),
  ]);
  const header = ["name", "id", "scopes", "projects", "state", "last used"];
  return table(rows, { header, align: header.map(() => "left" as const), colors });
}
