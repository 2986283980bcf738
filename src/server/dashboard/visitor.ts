/**
 * Who looks at the pages, and what the pages are made from.
 */
import type { Context } from "hono";
import type { Engine } from "../../engine/engine.js";

/** Someone who may look at pages. */
export interface Visitor {
  /** keys of the projects they may see; null for all */
  readonly projects: readonly string[] | null;
  /** whether they may decide things by hand */
  readonly isAdmin: boolean;
  /** what the audit log calls them */
  readonly actor: string;
  /** proves that a form is one of ours; null where the server is open to this machine alone */
  readonly csrf: { readonly name: string; readonly value: string } | null;
  /** whether there is anything to sign out of */
  readonly isSignedIn: boolean;
}

/** How visitors are told apart. */
export interface Entrance {
  /** null for someone who has to sign in first */
  readonly visitorOf: (c: Context) => Visitor | null;
  /** whether a form comes from one of our own pages */
  readonly isOwnForm: (c: Context, form: Readonly<Record<string, unknown>>) => boolean;
}

/** What the dashboard is made from. */
export interface DashboardOptions extends Entrance {
  readonly engine: Engine;
}
