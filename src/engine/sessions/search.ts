/**
 * Looking sessions up: page by page, and one in full.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { FoundSession, SessionParts, SessionQuery, Store } from "../ports.js";

/** Which sessions are looked for; all that is given must hold. */
export interface SessionFilter extends Omit<SessionQuery, "projects" | "beforeSeq" | "limit"> {
  /** key of a project */
  readonly project?: string | undefined;
  /** keys of the projects that may be looked into; default: all */
  readonly projects?: readonly string[] | null | undefined;
  /** how many at most, an integer in [1, 200]; default 50 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined;
}

/** A page of sessions, newest first. */
export interface SessionPage {
  readonly sessions: readonly FoundSession[];
  /** asks for the next page; null on the last */
  readonly nextCursor: string | null;
}

/** One session in full. */
export interface SessionDetail extends FoundSession, SessionParts {}

const LIMIT = 50;
const LIMIT_MAX = 200;

/** How many of a list are asked for. @throws DethroneError `input_invalid` */
export function checkedLimit(limit: number | undefined): number {
  if (limit === undefined) return LIMIT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  const message = `limit must be a whole number from 1 to ${LIMIT_MAX}; received ${String(limit)}.`;
  throw new DethroneError("input_invalid", message, { field: "limit", received: received(limit) });
}

/** The place a cursor stands for; beyond all where there is none. @throws DethroneError `input_invalid` */
export function placeOfCursor(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const place = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN;
  if (Number.isSafeInteger(place)) return place;
  const message = "cursor must be the nextCursor of a page before.";
  throw new DethroneError("input_invalid", message, { field: "cursor", received: cursor });
}

/** The first of more than `limit` rows, and what asks for the rest. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  placeOf: (row: Row) => number,
): { readonly page: readonly Row[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { page, nextCursor: hasMore ? placeOf(last).toString(36) : null };
}

/** The projects to look into: the one that is named, if it may be, or all that may. */
export function reachable(
  project: string | undefined,
  projects: readonly string[] | null = null,
): readonly string[] | null {
  if (project === undefined) return projects;
  return projects === null || projects.includes(project) ? [project] : [];
}

/** @throws DethroneError `input_invalid` */
export async function searchSessions(store: Store, filter: SessionFilter = {}): Promise<SessionPage> {
  const { project, projects, cursor, ...query } = filter;
  const limit = checkedLimit(filter.limit);
  const rows = await store.browse.sessions({
    ...query,
    projects: reachable(project, projects),
    beforeSeq: placeOfCursor(cursor),
    limit: limit + 1,
  });
  const { page, nextCursor } = pageOf(rows, limit, ({ seq }) => seq);
  return { sessions: page, nextCursor };
}

/** @throws DethroneError `session_not_found`, also where it is of a project that may not be looked into */
export async function sessionDetail(
  store: Store,
  id: string,
  projects: readonly string[] | null = null,
): Promise<SessionDetail> {
  const [session] = await store.browse.sessions({ id, projects, limit: 1 });
  if (session) return { ...session, ...(await store.browse.sessionParts(session)) };
  throw new DethroneError("session_not_found", `There is no session '${id}'.`, { received: id });
}
