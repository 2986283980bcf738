/**
 * Where a database lies, from the URL that names it.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DethroneError } from "../core/errors.js";

/** What is known of a database wherever it lies. */
interface Place {
  /** how it is named in messages and reports; holds no secret */
  readonly name: string;
  /** how the paths of files begin that this machine keeps for it (spool, last champions); null where it keeps none */
  readonly beside: string | null;
}

/** A database in a file. */
export interface FileLocation extends Place {
  readonly kind: "file";
  readonly path: string;
  /** the folder to remove on close, for `:memory:` */
  readonly temporaryFolder: string | null;
}

/** A libSQL database behind a server. */
export interface RemoteLocation extends Place {
  readonly kind: "remote";
  /** without its token */
  readonly url: string;
  readonly authToken: string | null;
  /** the file of a copy that follows it, to be browsed; null for none */
  readonly replica: string | null;
}

/** A schema of a Postgres database. */
export interface PostgresLocation extends Place {
  readonly kind: "postgres";
  /** with its password */
  readonly url: string;
  /** where the tables are; null where the role's own settings say it */
  readonly schema: string | null;
}

/** Where a database lies. */
export type Location = FileLocation | RemoteLocation | PostgresLocation;

/** What a URL does not say. */
export interface LocationOptions {
  /** lets in at a remote database; default: `$DETHRONE_AUTH_TOKEN` */
  readonly authToken?: string | undefined;
  /** of the remote database that the file `url` is a replica of */
  readonly syncUrl?: string | undefined;
}

const POSTGRES = /^postgres(ql)?:\/\//i;
const SCHEMA = "dethrone";
const REMOTE = /^(libsql|https?|wss?):\/\//i;

/** Whatever has a scheme, and is no file. */
const SERVER = /^(?!file:)[a-z][a-z0-9+.-]+:/i;

const ALLOWED =
  "a file: URL, a path, :memory:, a postgres: URL, or the libsql:, http: or https: URL of a server";

/** The longest part of a file's name that is made of a URL. */
const NAME_LENGTH_MAX = 150;

/**
 * Resolves `file:` URLs, plain paths, `:memory:` (a temporary file: libsql gives each connection of a memory database its
 * own) and the URLs of libSQL servers and of Postgres databases.
 *
 * @throws DethroneError `settings_invalid` for anything else
 */
export function locate(url: string, options: LocationOptions = {}): Location {
  if (typeof url !== "string" || url === "")
    return refuse(String(url), "a database URL such as file:dethrone.db");
  if (options.syncUrl !== undefined) return replicaOf(options.syncUrl, url, options);
  if (POSTGRES.test(url)) return postgresAt(url);
  if (REMOTE.test(url)) return remoteAt(url, options);
  return fileAt(url);
}

function fileAt(url: string): FileLocation {
  if (url === ":memory:") {
    const folder = mkdtempSync(join(tmpdir(), "dethrone-"));
    const path = join(folder, "memory.db");
    // A temporary database is not to leave anything behind.
    return { kind: "file", name: path, beside: null, path, temporaryFolder: folder };
  }
  if (/^file:[^?]*\?/.test(url)) return refuse(url, "a file: URL without parameters");
  if (SERVER.test(url)) return refuse(url, ALLOWED);
  const path = url.startsWith("file://") ? fileURLToPath(url) : resolve(url.replace(/^file:/, ""));
  return { kind: "file", name: path, beside: path, path, temporaryFolder: null };
}

function remoteAt(url: string, { authToken }: LocationOptions): RemoteLocation {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed?.host) return refuse(url, "the URL of a server, such as libsql://example.turso.io");
  if (parsed.username !== "" || parsed.password !== "")
    return refuse(url, "a URL without a user; a token goes into authToken or $DETHRONE_AUTH_TOKEN");
  if (authToken !== undefined && typeof authToken !== "string")
    throw new DethroneError("settings_invalid", `authToken must be a text; received ${typeof authToken}.`, {
      field: "authToken",
    });
  const given = parsed.searchParams.get("authToken");
  parsed.searchParams.delete("authToken");
  // Requests go to what is under it.
  if (!parsed.pathname.endsWith("/")) parsed.pathname += "/";
  // The same server answers to both, and a request that is an answer away needs no open socket.
  const href = parsed.href.replace(/^ws/, "http");
  const [scheme] = href.split(":", 1);
  const place = `${parsed.host}${parsed.pathname}`.replace(/\/+$/, "");
  return {
    kind: "remote",
    name: `${scheme}://${place}`,
    beside: resolve(`dethrone-${place.replaceAll(/[^\w.-]+/g, "-").slice(0, NAME_LENGTH_MAX)}`),
    url: href,
    authToken: authToken ?? given ?? process.env.DETHRONE_AUTH_TOKEN ?? null,
    replica: null,
  };
}

/** The tables lie in a schema of their own: the database may have others. `?schema=` names another, empty the role's. */
function postgresAt(url: string): PostgresLocation {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed) return refuse(url, "a postgres: URL such as postgres://user:password@host:5432/database");
  const schema = parsed.searchParams.get("schema") ?? SCHEMA;
  if (!/^[a-z0-9_]{0,63}$/.test(schema))
    return refuse(url, "a postgres: URL whose schema has small letters, digits and _ alone");
  parsed.searchParams.delete("schema");
  // On a socket the host is a parameter.
  const host = parsed.host || (parsed.searchParams.get("host") ?? "localhost");
  const place = `${host}${parsed.pathname}`.replace(/\/+$/, "");
  const isUsual = schema === SCHEMA;
  return {
    kind: "postgres",
    name: `postgres://${place}${isUsual ? "" : `?schema=${schema}`}`,
    beside: besideOf(isUsual ? place : `${place}-${schema}`),
    url: parsed.href,
    schema: schema === "" ? null : schema,
  };
}

/** The last characters tell more than the first. */
const besideOf = (place: string): string =>
  resolve(`dethrone-${place.replaceAll(/[^\w.-]+/g, "-").slice(-NAME_LENGTH_MAX)}`);

function replicaOf(syncUrl: string, url: string, options: LocationOptions): RemoteLocation {
  if (typeof syncUrl !== "string" || !REMOTE.test(syncUrl))
    return refuse(String(syncUrl), "for syncUrl the URL of a server, such as libsql://example.turso.io");
  const file = fileAt(url);
  if (file.beside === null) return refuse(url, "a file for the replica of syncUrl");
  return { ...remoteAt(syncUrl, options), beside: file.path, replica: file.path };
}

/** A URL as it may be shown: that of a server without user, password and parameters, any of which may be a secret. */
export function redacted(url: string): string {
  if (!SERVER.test(url)) return url;
  return url.replace(/\/\/[^/?#]*@/, "//***@").replace(/\?.*$/s, "");
}

function refuse(url: string, allowed: string): never {
  const shown = redacted(url);
  throw new DethroneError("settings_invalid", `The database URL must be ${allowed}; received '${shown}'.`, {
    received: shown,
    allowed,
  });
}
