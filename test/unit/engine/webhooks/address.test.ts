import { describe, expect, it } from "vitest";
import { checkedUrl, mayReach, reachOf } from "../../../../src/engine/webhooks/address.js";

describe("what an address reaches", () => {
  it.each([
    ["8.8.8.8", "public"],
    ["172.15.255.255", "public"],
    ["172.32.0.1", "public"],
    ["2606:4700::1111", "public"],
    ["127.0.0.1", "private"],
    ["127.255.255.254", "private"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "private"],
    ["::1", "private"],
    ["fd12::1", "private"],
    ["169.254.169.254", "never"],
    ["100.100.100.200", "never"],
    ["192.0.0.192", "never"],
    ["fd00:ec2::254", "never"],
    ["0.0.0.0", "never"],
    ["255.255.255.255", "never"],
    ["224.0.0.1", "never"],
    ["fe80::1", "never"],
    ["ff02::1", "never"],
    ["::", "never"],
    ["::ffff:8.8.8.8", "never"],
    ["::ffff:127.0.0.1", "never"],
    ["::7f00:1", "never"],
    ["64:ff9b::7f00:1", "never"],
    ["2002:7f00:1::", "never"],
    ["no address", "never"],
  ])("%s: %s", (address, reach) => {
    expect(reachOf(address)).toBe(reach);
    expect(mayReach(address, false)).toBe(reach === "public");
    expect(mayReach(address, true)).toBe(reach !== "never");
  });
});

describe("a webhook's URL", () => {
  it.each(["https://hooks.example.com/a?b=c", "https://8.8.8.8/", "https://[2606:4700::1111]/hook"])(
    "may be %s",
    (url) => {
      expect(checkedUrl(url, false)).toBe(url);
    },
  );

  it.each([
    "http://localhost:3000/",
    "http://127.0.0.1:80/",
    "https://10.0.0.7/",
    "http://[::1]:3000/",
    "https://api.localhost/",
  ])("may be %s only where that is allowed", (url) => {
    expect(new URL(checkedUrl(url, true)).host).toBe(new URL(url).host);
    expect(() => checkedUrl(url, false)).toThrow(
      expect.objectContaining({
        code: "webhook_url_refused",
        message: expect.stringContaining("allowPrivate"),
      }),
    );
  });

  it.each([
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:127.0.0.1]/",
    "https://2130706433/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://0x7f000001/",
    "https://134744072/",
    "https://ada:secret@example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "example.com",
    "",
    `https://example.com/${"a".repeat(2000)}`,
  ])("is never %s", (url) => {
    for (const allowed of [false, true])
      expect(() => checkedUrl(url, allowed)).toThrow(
        expect.objectContaining({ code: "webhook_url_refused" }),
      );
  });

  it("that is refused tells nothing of a password", () => {
    try {
      checkedUrl("https://ada:secret@example.com/", false);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain("secret");
    }
  });
});
