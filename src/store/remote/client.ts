/**
 * The client of a libSQL server: bounded in time, and with errors that say whether anything may have been written.
 */
import { type Client, createClient } from "@libsql/client";
import type { RemoteLocation } from "../location.js";
import type { WireError } from "../writer/write-protocol.js";

/** How long one request may take, connecting included. */
const REQUEST_MS = 5000;

/** Codes of failures that are not the database's own. */
export const REMOTE = {
  /** nobody was there to take the request */
  away: "REMOTE_AWAY",
  /** no reply came, or one that says nothing: the request may have been carried out */
  lost: "REMOTE_LOST",
  /** the server does not let us in */
  refused: "REMOTE_REFUSED",
  /** no database of this name is there */
  unknown: "REMOTE_UNKNOWN",
  /** too many requests */
  throttled: "REMOTE_THROTTLED",
} as const;

/** System codes of requests that never left, or never arrived. */
const NEVER_THERE =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*)$/;

/** A client of the server, or of another URL in its place. */
export function remoteClient({ url, authToken }: RemoteLocation): Client {
  return createClient({
    url,
    ...(authToken === null ? {} : { authToken }),
    fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(REQUEST_MS) }),
  });
}

interface Failure {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
}

/** The failure and what it came of, outermost first. */
function chainOf(error: unknown): Failure[] {
  const chain: Failure[] = [];
  for (let each = error as Failure | undefined; each && chain.length < 8; each = each.cause as Failure)
    chain.push(each);
  return chain;
}

function codeOf(chain: readonly Failure[]): string {
  const codes = chain.map(({ code }) => (typeof code === "string" ? code : ""));
  const ofDatabase = codes.find((code) => code.startsWith("SQLITE_"));
  if (ofDatabase) return ofDatabase;
  const status = chain.map((each) => each.status).find((each) => typeof each === "number");
  if (status === 401 || status === 403 || codes.some((code) => code.startsWith("AUTH_")))
    return REMOTE.refused;
  if (status === 404) return REMOTE.unknown;
  if (status === 429) return REMOTE.throttled;
  return codes.some((code) => NEVER_THERE.test(code)) ? REMOTE.away : REMOTE.lost;
}

/** The failure of a request, with a code of {@link REMOTE} or of SQLite, and without the token. */
export function remoteFailure(error: unknown, { authToken }: Pick<RemoteLocation, "authToken">): WireError {
  const chain = chainOf(error);
  const code = codeOf(chain);
  const messages = chain.map((each) => String(each.message ?? "")).filter((text) => text !== "");
  // The database's own is the innermost; what lies around it says the same again.
  const isNew = (text: string, place: number): boolean =>
    !messages.slice(0, place).some((outer) => outer.includes(text));
  const shown = code.startsWith("SQLITE_") ? messages.slice(-1) : messages.filter(isNew);
  const message = shown.join(": ");
  return { code, message: authToken ? message.replaceAll(authToken, "***") : message };
}

/** {@link remoteFailure} as it is thrown. */
export function thrown(failure: WireError): Error {
  return Object.assign(new Error(failure.message), { code: failure.code });
}
