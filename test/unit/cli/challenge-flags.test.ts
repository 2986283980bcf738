import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  audienceFrom,
  challengeOptions,
  descriptionFrom,
  editedPolicy,
  planningFrom,
  timeFrom,
  watchFrom,
} from "../../../src/cli/challenge-flags.js";
import { createPolicy } from "../../../src/core/decision/policy.js";
import { temporaryFolder } from "../../support/temporary.js";

const NOW = Date.UTC(2026, 10, 21);

describe("what people say of an experiment", () => {
  it("leaves out what is not said, and takes away what is said to be nothing", () => {
    expect(descriptionFrom({})).toEqual({});
    expect(descriptionFrom({ hypothesis: "", owner: "ana", tag: ["", "cost"] })).toEqual({
      hypothesis: null,
      owner: "ana",
      tags: ["cost"],
    });
  });
});

describe("an audience", () => {
  it("is none where no flag is about it, and nobody's restriction for everyone", () => {
    expect(audienceFrom({})).toBeUndefined();
    expect(audienceFrom({ audience: "everyone" })).toEqual({});
  });

  it("is JSON or a file, with fields and groups added", () => {
    const path = join(temporaryFolder(), "audience.json");
    writeFileSync(path, '{"where":{"plan":"pro"},"includeGroups":["beta"]}');
    expect(
      audienceFrom({
        audience: `@${path}`,
        where: ["country=de", "age=30", 'name="7"', 'app={"$version":">=2"}', "note=a=b"],
        includeGroup: ["pilot"],
        excludeGroup: ["staff"],
      }),
    ).toEqual({
      where: { plan: "pro", country: "de", age: 30, name: "7", app: { $version: ">=2" }, note: "a=b" },
      includeGroups: ["beta", "pilot"],
      excludeGroups: ["staff"],
    });
  });

  it("keeps a field with the name of a prototype as a field", () => {
    const { where } = audienceFrom({ where: ["__proto__=1"] }) ?? {};
    expect(Object.entries(where ?? {})).toEqual([["__proto__", 1]]);
  });

  it.each([
    [{ audience: "{" }, "--audience"],
    [{ where: ["plan"] }, "--where"],
    [{ where: ["=1"] }, "--where"],
    [{ audience: '{"where":{"a":1}}', where: ["a=2"] }, "--where"],
  ])("%o is refused by the name of the flag", (flags, flag) => {
    expect(() => audienceFrom(flags)).toThrow(expect.objectContaining({ code: "usage_invalid" }));
    expect(() => audienceFrom(flags)).toThrow(flag);
  });
});

describe("a watch", () => {
  it("takes what flags leave open from what holds, else from the default", () => {
    expect(watchFrom({})).toBeUndefined();
    expect(watchFrom({ watch: true })).toEqual({ share: 0.05, horizon: 1000 });
    expect(watchFrom({ watch: "0.1" })).toEqual({ share: 0.1, horizon: 1000 });
    expect(watchFrom({ watchHorizon: "300" })).toEqual({ share: 0.05, horizon: 300 });
    expect(watchFrom({ watchHorizon: "300" }, { share: 0.2, horizon: 50 })).toEqual({
      share: 0.2,
      horizon: 300,
    });
    expect(watchFrom({ watch: "off" })).toBe(false);
  });
});

describe("a time", () => {
  it("is a date, or a duration from now", () => {
    expect(timeFrom("--starts-at", "2h", NOW)).toBe(NOW + 7_200_000);
    expect(timeFrom("--starts-at", "2026-12-01T09:00:00Z", NOW)).toBe(Date.UTC(2026, 11, 1, 9));
    expect(timeFrom("--starts-at", "2026-12-01", NOW)).toBe(Date.UTC(2026, 11, 1));
    for (const text of ["soon", "5", "-2h", "2026-13-01", ""])
      expect(() => timeFrom("--starts-at", text, NOW)).toThrow("--starts-at takes a time");
  });

  it("is none for never", () => {
    expect(planningFrom({ startsAt: "never" }, NOW)).toEqual({ startsAt: null });
  });
});

describe("the plan", () => {
  it("has nothing of what no flag is about: an edit takes every field for a change", () => {
    expect(planningFrom({}, NOW)).toEqual({});
    expect(planningFrom({ share: "0.1,0", hashVersion: "1", promotion: "approve" }, NOW)).toEqual({
      share: [0.1, 0],
      hashVersion: 1,
      promotion: "approve",
    });
  });

  it("takes share and policy of the file where flags say nothing, and no share beside a goal", () => {
    const file = { share: 0.3, policy: { horizon: 77 } };
    expect(challengeOptions(file, {}, NOW)).toMatchObject({ share: 0.3, policy: { horizon: 77 } });
    expect(challengeOptions(file, { share: "0.4" }, NOW).share).toBe(0.4);
    expect(challengeOptions(file, { detect: "0.1", within: "5d" }, NOW).share).toBeUndefined();
    expect(challengeOptions({}, { audience: "everyone" }, NOW).audience).toBeUndefined();
  });

  it("keeps the rule of a draft but for what is said; another rule begins anew, with the horizon", () => {
    const before = createPolicy({ horizon: 500, tau: 0.9 });
    expect(editedPolicy({}, before, {})).toBeUndefined();
    expect(editedPolicy({ minUplift: "0.02" }, before, {})).toMatchObject({
      horizon: 500,
      tau: 0.9,
      minUplift: 0.02,
    });
    const other = editedPolicy({ policy: "strict" }, before, { policy: { alphaHarm: 0.2 } });
    expect(other).toMatchObject({ horizon: 500, alpha: 0.02, alphaHarm: 0.2 });
    expect(other).not.toHaveProperty("tau");
    expect(editedPolicy({ minUplift: "0.02", detect: "0.1" }, before, {})).not.toHaveProperty("horizon");
  });
});
