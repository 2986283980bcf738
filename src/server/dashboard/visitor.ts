/**
 * Who looks at a page, as the page needs to know.
 */
import type { Context } from "hono";
import { assertMay } from "../access.js";
import type { AppEnvironment } from "../app.js";
import { CSRF_FIELD, type PageAccess } from "../page-access.js";

/** A request for a page. */
export type PageContext = Context<AppEnvironment>;

/** Someone who looks at pages. */
export interface Visitor {
  /** keys of the projects they may see; null for all */
  readonly projects: readonly string[] | null;
  /** whether they may decide things by hand */
  readonly isAdmin: boolean;
  /** what the audit log calls them */
  readonly actor: string;
  /** the field that proves a form to be theirs */
  readonly proof: { readonly name: string; readonly value: string };
  /** whether there is anything to sign out of */
  readonly isSignedIn: boolean;
}

/** Who looks; null for someone who has not come in. */
export function visitorOf(c: PageContext, access: PageAccess): Visitor | null {
  const principal = c.get("principal");
  if (principal === undefined) return null;
  const { projects, scopes, name } = principal;
  return {
    projects,
    isAdmin: scopes.includes("admin"),
    actor: name,
    proof: { name: CSRF_FIELD, value: access.csrfToken(c) },
    isSignedIn: !access.isOpen,
  };
}

/** The project a page is about. @throws DethroneError `scope_missing` for one that is not the visitor's */
export function projectIn(c: PageContext, scope: "read" | "admin" = "read"): string {
  const key = c.req.param("project") ?? "";
  assertMay(c.get("principal"), { scope }, [key]);
  return key;
}
