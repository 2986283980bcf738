import { resolve } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { locate } from "../../../../src/store/location.js";

describe("a postgres:// URL", () => {
  it("is named without user, password and settings; files are kept beside nothing but a name", () => {
    const location = locate("postgres://ada:hunter2@db.internal:5433/app?sslmode=require&sslkey=%2Fk");
    expect(location).toEqual({
      kind: "postgres",
      name: "postgres://db.internal:5433/app",
      beside: resolve("dethrone-db.internal-5433-app"),
      url: "postgres://ada:hunter2@db.internal:5433/app?sslmode=require&sslkey=%2Fk",
      schema: "dethrone",
    });
    expect(location.name + location.beside).not.toMatch(/ada|hunter2/);
  });

  it("names a schema of its own, or leaves it to the role", () => {
    expect(locate("postgresql://h/app?schema=tenant_7")).toMatchObject({
      name: "postgres://h/app?schema=tenant_7",
      beside: resolve("dethrone-h-app-tenant_7"),
      schema: "tenant_7",
    });
    expect(locate("postgres://h/app?schema=")).toMatchObject({ schema: null });
  });

  it("may lead to a socket", () => {
    expect(locate("postgres:///app?host=/run/pg")).toMatchObject({ name: "postgres:///run/pg/app" });
  });

  it.each(["postgres://ada:hunter2@", "postgres://h/app?schema=Robert'); DROP"])(
    "that cannot be is refused without its secrets: %s",
    (url) => {
      const locating = () => locate(url);
      expect(locating).toThrow(expect.objectContaining({ code: "settings_invalid" }));
      expect(locating).not.toThrow(/hunter2/);
    },
  );

  it("needs a package, and says which where it is not installed", async () => {
    vi.doMock("pg", () => {
      throw new Error("Cannot find package 'pg'");
    });
    const { loadPg } = await import("../../../../src/store/postgres/client.js");
    await expect(loadPg()).rejects.toMatchObject({
      code: "peer_missing",
      message: expect.stringContaining("npm install pg"),
    });
    vi.doUnmock("pg");
  });
});
