/**
 * The OpenAPI document, made from the table of operations.
 */
import { z } from "zod";
import type { Json, JsonObject } from "../../core/errors.js";
import type { Route } from "./route.js";
import { parameterNames, ROUTES } from "./routes.js";
import { problem, text } from "./schemas.js";

const schemaOf = (schema: z.ZodType): JsonObject => {
  const { $schema: _schema, id: _id, ...rest } = z.toJSONSchema(schema, { io: "input", reused: "inline" });
  return rest as JsonObject;
};

function queryParameters(query: z.ZodObject): JsonObject[] {
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: JsonObject;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: "query", required: required.includes(name), schema },
  }));
}

function parametersOf({ path, query, method }: Route): Json[] {
  const inPath = parameterNames(path).map((name) => ({
    ...{ name, in: "path", required: true, schema: schemaOf(text) },
  }));
  const repeatable = method === "get" ? [] : [{ $ref: "#/components/parameters/IdempotencyKey" }];
  return [...inPath, ...(query ? queryParameters(query) : []), ...repeatable];
}

function operationOf(operationId: string, route: Route): JsonObject {
  const { body, response, status = 200, contentType = "application/json", scope, summary } = route;
  const others = (route.otherTypes ?? []).map((type) => [type, { schema: { type: "string" } }] as const);
  return {
    operationId,
    summary,
    ...(scope === null ? { security: [] } : { "x-scope": scope }),
    parameters: parametersOf(route),
    ...(body && {
      requestBody: { required: true, content: { "application/json": { schema: schemaOf(body) } } },
    }),
    responses: {
      [status]: {
        description: summary,
        content: { [contentType]: { schema: schemaOf(response) }, ...Object.fromEntries(others) },
      },
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function pathsOf(): JsonObject {
  const paths: Record<string, Record<string, JsonObject>> = {};
  for (const [id, route] of Object.entries<Route>(ROUTES)) {
    const path = paths[route.path] ?? {};
    paths[route.path] = { ...path, [route.method]: operationOf(id, route) };
  }
  return paths;
}

const COMPONENTS: JsonObject = {
  securitySchemes: {
    key: {
      type: "http",
      scheme: "bearer",
      description: "a key of `dethrone keys create`, with the scope of x-scope",
    },
  },
  parameters: {
    IdempotencyKey: {
      name: "Idempotency-Key",
      in: "header",
      required: false,
      description: "names the request: repeated within a day it gets the same answer and does nothing again",
      schema: { type: "string", minLength: 1, maxLength: 255 },
    },
  },
  responses: {
    Problem: {
      description: "A failure (RFC 9457)",
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  },
};

/** The document of a version of the package. */
export function openApiDocument(version: string): JsonObject {
  return {
    openapi: "3.1.0",
    info: {
      title: "dethrone",
      version,
      description: "Promotes better AI agent configs, with proof.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    paths: pathsOf(),
    components: { ...COMPONENTS, schemas: { Problem: schemaOf(problem) } },
  };
}
