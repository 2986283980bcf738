import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { openApiDocument } from "../../../src/server/contract/openapi.js";
import type { Route } from "../../../src/server/contract/route.js";
import { ROUTES } from "../../../src/server/contract/routes.js";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name?: string; readonly in?: string }[];
  readonly "x-scope"?: string;
  readonly security?: readonly unknown[];
}

const document = openApiDocument("1.2.3") as unknown as {
  readonly paths: Record<string, Record<string, Operation>>;
};

it("the document is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  expect(result).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

it("it has every operation of the table, with its path, method, parameters and scope, and no other", () => {
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: operation.operationId,
      method,
      path,
      scope: operation["x-scope"] ?? null,
      parameters: operation.parameters.filter((each) => each.in === "path").map(({ name }) => name),
    })),
  );
  const table = Object.entries<Route>(ROUTES).map(([id, { method, path, scope }]) => ({
    ...{ id, method, path, scope },
    parameters: [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
  }));
  const byId = (left: { id: string }, right: { id: string }) => (left.id < right.id ? -1 : 1);
  expect(told.sort(byId)).toEqual(table.sort(byId));
});

it("what changes anything is no GET, and what takes no key changes nothing", () => {
  for (const [id, { method, scope, body }] of Object.entries<Route>(ROUTES)) {
    if (scope === null || method === "get") expect([id, body]).toEqual([id, undefined]);
    if (scope === null) expect([id, method]).toEqual([id, "get"]);
  }
});
