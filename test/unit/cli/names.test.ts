import { describe, expect, it } from "vitest";
import { armName, armNames, clipped, configName, nameIn } from "../../../src/cli/names.js";
import { listed, shortId } from "../../../src/core/words/names.js";

const HASH = "0123456789abcdef0123456789abcdef";

describe("names", () => {
  it("are labels, else the beginning of the hash", () => {
    expect(configName({ hash: HASH, label: "brief" })).toBe("brief");
    expect(configName({ hash: HASH, label: null })).toBe("0123456789ab");
    expect(nameIn(new Map([[HASH, "brief"]]), HASH)).toBe("brief");
    expect(nameIn(new Map(), HASH)).toBe("0123456789ab");
    expect(shortId("01a1fdac-99e1-7630-9da0-3dfda04de3b7")).toBe("01a1fdac-99e1");
  });

  it("fit a column by what a terminal shows, and cannot steer it", () => {
    expect(clipped("thorough", 8)).toBe("thorough");
    expect(clipped("thoroughly", 8)).toBe("thoroug…");
    expect(clipped("日本語のラベル", 8)).toBe("日本語…");
    expect(clipped("a\u001b[2Jb\nc", 20)).toBe("a [2Jb c");
    expect(configName({ hash: HASH, label: "x".repeat(100) })).toHaveLength(20);
  });

  it("of arms are roles where there are two, else those of their configs", () => {
    expect(armNames([{ hash: HASH, label: "brief" }])).toEqual(["champion", "challenger"]);
    const names = armNames([{ hash: HASH, label: "brief" }, { hash: HASH }]);
    expect(names).toEqual(["champion", "brief", "0123456789ab"]);
    expect(armName(1, 3, names)).toBe("brief");
    expect(armName(2, 3)).toBe("challenger 2");
    expect(armName(1, 2)).toBe("challenger");
    expect(armName(0, 3, names)).toBe("champion");
  });

  it("are listed as people do", () => {
    expect([listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])]).toEqual([
      "",
      "a",
      "a and b",
      "a, b and c",
    ]);
  });
});
