/**
 * Every operation of the API as data: what the server answers, what the client asks and what the document says are made
 * from this one table.
 */
import type { z } from "zod";
import { experimentRoutes } from "./experiment-routes.js";
import { governanceRoutes } from "./governance-routes.js";
import { decisionRoutes, serverRoutes, sessionRoutes } from "./other-routes.js";
import { projectRoutes } from "./project-routes.js";
import type { Route } from "./route.js";
import { studyRoutes } from "./study-routes.js";
import { webhookRoutes } from "./webhooks.js";

/** Every operation by its id. */
export const ROUTES = {
  ...projectRoutes,
  ...experimentRoutes,
  ...sessionRoutes,
  ...studyRoutes,
  ...decisionRoutes,
  ...governanceRoutes,
  ...webhookRoutes,
  ...serverRoutes,
} as const satisfies Record<string, Route>;

/** The table of operations. */
export type Routes = typeof ROUTES;
/** Id of an operation. */
export type RouteId = keyof Routes;

type ParameterNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterNames<Rest>
  : never;

type OutputOf<R, Part extends string> = R extends { readonly [P in Part]: infer S extends z.ZodType }
  ? z.output<S>
  : undefined;

/** What an operation is asked with, checked. */
export interface RouteInput<Id extends RouteId> {
  readonly params: { readonly [Name in ParameterNames<Routes[Id]["path"]>]: string };
  readonly query: OutputOf<Routes[Id], "query">;
  readonly body: OutputOf<Routes[Id], "body">;
}

/** What an operation is asked with, as it is sent. */
export interface RouteRequest<Id extends RouteId> {
  readonly params: RouteInput<Id>["params"];
  readonly query?: Routes[Id] extends { readonly query: infer Q extends z.ZodType } ? z.input<Q> : undefined;
  readonly body?: Routes[Id] extends { readonly body: infer B extends z.ZodType } ? z.input<B> : undefined;
}

/** Lists that may be read alone; values of any shape are left as they are. */
type DeepReadonly<T> = T extends readonly unknown[]
  ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
  : T extends object
    ? string extends keyof T
      ? T
      : { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** What an operation answers when it succeeds. */
export type RouteOutput<Id extends RouteId> = DeepReadonly<z.output<Routes[Id]["response"]>>;

/** Names of the parameters in a path, in order. */
export function parameterNames(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
}
