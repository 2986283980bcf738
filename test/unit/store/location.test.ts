import { basename } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { locate, type RemoteLocation, redacted } from "../../../src/store/location.js";

const remote = (url: string, options = {}): RemoteLocation => locate(url, options) as RemoteLocation;

describe("where a database lies", () => {
  const before = process.env.DETHRONE_AUTH_TOKEN;
  afterEach(() => {
    if (before === undefined) delete process.env.DETHRONE_AUTH_TOKEN;
    else process.env.DETHRONE_AUTH_TOKEN = before;
  });

  it("a path, a file: URL: beside it is what this machine keeps for it", () => {
    expect(locate("/data/a.db")).toMatchObject({ kind: "file", name: "/data/a.db", beside: "/data/a.db" });
    expect(locate("file:/data/a.db")).toEqual(locate("/data/a.db"));
  });

  it("a server's URL: what it is asked goes under it, and its name holds no secret", () => {
    const { url, name, authToken, beside } = remote("libsql://bot.example.io?authToken=s3cret&tls=1");
    expect(url).toBe("libsql://bot.example.io/?tls=1");
    expect(name).toBe("libsql://bot.example.io");
    expect(authToken).toBe("s3cret");
    expect(basename(beside ?? "")).toBe("dethrone-bot.example.io");
    expect(remote("http://127.0.0.1:8080/team/bot").url).toBe("http://127.0.0.1:8080/team/bot/");
    expect(basename(remote("http://127.0.0.1:8080/team/bot").beside ?? "")).toBe(
      "dethrone-127.0.0.1-8080-team-bot",
    );
  });

  it("a socket's URL is taken for the same server's http one", () => {
    expect(remote("wss://bot.example.io").url).toBe("https://bot.example.io/");
    expect(remote("ws://localhost:8080").url).toBe("http://localhost:8080/");
  });

  it("the token is the given one, else the URL's, else the environment's", () => {
    process.env.DETHRONE_AUTH_TOKEN = "from-environment";
    expect(remote("libsql://a.io").authToken).toBe("from-environment");
    expect(remote("libsql://a.io?authToken=from-url").authToken).toBe("from-url");
    expect(remote("libsql://a.io?authToken=from-url", { authToken: "given" }).authToken).toBe("given");
  });

  it("a file with syncUrl: the server is written to, and the file is a copy", () => {
    const location = remote("file:/data/copy.db", { syncUrl: "libsql://a.io" });
    expect(location).toMatchObject({ kind: "remote", replica: "/data/copy.db", beside: "/data/copy.db" });
  });

  it.each([
    ["libsql://ada:pa55@a.io", {}, "pa55"],
    ["libsql://", {}, "nothing"],
    ["ftp://ada:pa55@a.io/x?token=s3cret", {}, "s3cret"],
    ["file:a.db", { syncUrl: "a.io?token=s3cret" }, "nothing"],
    [":memory:", { syncUrl: "libsql://a.io" }, "nothing"],
    ["libsql://a.io", { authToken: 7 }, "nothing"],
  ])("%s is refused, and no secret of it told", (url, options, secret) => {
    const refused = (): unknown => locate(url, options as object);
    expect(refused).toThrow(expect.objectContaining({ code: "settings_invalid" }));
    try {
      refused();
    } catch (error) {
      expect(JSON.stringify(error) + String(error)).not.toContain(secret);
    }
  });

  it("is shown without user and parameters", () => {
    expect(redacted("libsql://ada:pa55@a.io/x?authToken=s3cret")).toBe("libsql://***@a.io/x");
    expect(redacted("file:what?.db")).toBe("file:what?.db");
  });
});
