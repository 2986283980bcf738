import { lookup } from "node:dns/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { post } from "../../../../src/engine/webhooks/post.js";
import { createTestClock } from "../../../../src/testing.js";
import { type Receiver, startReceiver } from "../../../support/receiver.js";

vi.mock("node:dns/promises", () => ({ lookup: vi.fn() }));

let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** Sends to a name that leads to these addresses. */
function postTo(addresses: readonly string[], allowPrivate: boolean) {
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  vi.mocked(lookup)
    .mockReset()
    .mockResolvedValue(found as never);
  const url = receiver.url.replace("127.0.0.1", "hooks.example.test");
  const signal = new AbortController().signal;
  return post({ url, headers: {}, body: "{}", allowPrivate, signal }, createTestClock());
}

describe("a message to a name", () => {
  it("goes to the address that was judged: the name is looked up once", async () => {
    expect(await postTo(["127.0.0.1"], true)).toEqual({
      isDelivered: true,
      status: 204,
      error: null,
      retryAfterMs: null,
    });
    expect(receiver.messages[0]?.headers.host).toBe(`hooks.example.test:${new URL(receiver.url).port}`);
    expect(lookup).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["this machine", ["127.0.0.1"], false],
    ["this machine among others", ["93.184.216.34", "127.0.0.1"], false],
    ["an address inside of another", ["::ffff:127.0.0.1"], true],
    ["a metadata service", ["169.254.169.254", "127.0.0.1"], true],
  ])("that leads to %s is not sent", async (_what, addresses, allowPrivate) => {
    expect(await postTo(addresses, allowPrivate)).toEqual({
      isDelivered: false,
      status: null,
      retryAfterMs: null,
      error: expect.stringMatching(/^hooks\.example\.test leads to .*, which is not allowed$/),
    });
    expect(receiver.messages).toEqual([]);
  });

  it("that is answered by the offer of another protocol has not arrived", async () => {
    receiver.answer((response) =>
      response.socket?.end("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    );
    expect(await postTo(["127.0.0.1"], true)).toMatchObject({ isDelivered: false, status: null });
  });

  it("tells why it did not arrive, however many addresses there were", async () => {
    await receiver.close();
    const { error } = await postTo(["127.0.0.1", "::1"], true);
    expect(error).toMatch(/ECONNREFUSED|EADDRNOTAVAIL/);
  });

  it("is given up where the name is not found in time", async () => {
    const clock = createTestClock();
    vi.mocked(lookup)
      .mockReset()
      .mockReturnValue(new Promise(() => undefined));
    const signal = new AbortController().signal;
    const url = "https://hooks.example.test/";
    const posted = post({ url, headers: {}, body: "{}", allowPrivate: false, signal }, clock);
    clock.advance(10_000);
    expect(await posted).toEqual({
      isDelivered: false,
      status: null,
      retryAfterMs: null,
      error: "no answer within 10 s",
    });
  });
});

it.each([
  [429, "120", 120_000],
  [503, "Thu, 01 Jan 2026 00:10:00 GMT", 600_000],
  [503, "Wed, 31 Dec 2025 00:00:00 GMT", 0],
  [503, "soon", null],
  [500, "120", null],
])("an answer %s that asks for %s is waited for so long: %s", async (status, header, expected) => {
  receiver.answer((response) => response.writeHead(status, { "retry-after": header }).end());
  expect((await postTo(["127.0.0.1"], true)).retryAfterMs).toBe(expected);
});
