import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const { process } = globalThis;

/** The module as a runtime without anything of Node's loads it, but for what is given. */
async function platformOf(given: Record<string, unknown>) {
  vi.resetModules();
  // Not gone altogether, because the test runner itself works by it.
  const missing = { value: undefined };
  const bare = Object.create(process, { getBuiltinModule: missing, stderr: missing, env: missing });
  const globals = { setImmediate: undefined, ...given, process: bare };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  return import("../../../src/engine/platform.js");
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe("where there is nothing of Node's", () => {
  let platform: Awaited<ReturnType<typeof platformOf>>;
  beforeEach(async () => {
    platform = await platformOf({});
  });

  it("an ambient value is known to synchronous code, nested too, and not after an await", async () => {
    const value = platform.ambient<string>();
    const seen: (string | undefined)[] = [];
    const running = value.run("outer", async () => {
      seen.push(value.getStore());
      value.run("inner", () => seen.push(value.getStore()));
      seen.push(value.getStore());
      await undefined;
      seen.push(value.getStore());
    });
    await running;
    expect(seen).toEqual(["outer", "inner", "outer", undefined]);
  });

  it("an ambient value ends with code that throws", () => {
    const value = platform.ambient<string>();
    expect(() =>
      value.run("v", () => {
        throw new Error("out");
      }),
    ).toThrow("out");
    expect(value.getStore()).toBeUndefined();
  });

  it("a later turn comes after the promises of this one, and a diagnostics channel has no subscribers", async () => {
    const order: string[] = [];
    const turned = new Promise<void>((resolve) =>
      platform.inLaterTurn(() => {
        order.push("turn");
        resolve();
      }),
    );
    await Promise.resolve().then(() => order.push("promise"));
    await turned;
    expect(order).toEqual(["promise", "turn"]);
    const channel = platform.diagnosticsChannel("dethrone:exposure");
    channel.publish({});
    expect(channel.hasSubscribers).toBe(false);
    let ran = false;
    platform.captureScope()(() => {
      ran = true;
    });
    expect(ran).toBe(true);
    expect(typeof platform.errorMonitor).toBe("symbol");
  });

  it("a line of the log goes to the console, and nothing is switched off", () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    platform.writeError("dethrone warning: x");
    expect(written).toHaveBeenCalledWith("dethrone warning: x");
    written.mockRestore();
    expect(platform.isSwitchedOff()).toBe(false);
  });
});

it("an AsyncLocalStorage of the runtime's own is used", async () => {
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const platform = await platformOf({ AsyncLocalStorage });
  const value = platform.ambient<string>();
  await value.run("v", async () => {
    await undefined;
    expect(value.getStore()).toBe("v");
  });
});

it("on Node a scope carries the ambient values of where it was captured", async () => {
  const platform = await import("../../../src/engine/platform.js");
  const value = platform.ambient<string>();
  const scope = value.run("then", () => platform.captureScope());
  let seen: string | undefined;
  value.run("now", () =>
    scope(() => {
      seen = value.getStore();
    }),
  );
  expect(seen).toBe("then");
});
