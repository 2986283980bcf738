import { describe, expect, it } from "vitest";
import { fuseBlown } from "../../../../src/core/decision/fuse.js";
import { createRandom } from "../../../../src/core/random.js";

const FUSE = { minSessions: 20, errorRate: 0.5 };
const healthy = { sessions: 200, errors: 2 };

describe("the fuse", () => {
  it("blows where half of enough sessions fail and the champion's do not", () => {
    expect(fuseBlown(FUSE, healthy, { sessions: 20, errors: 12 })).toBe(true);
    expect(fuseBlown(FUSE, healthy, { sessions: 20, errors: 10 })).toBe(true);
  });

  it("holds below its volume and below its rate", () => {
    expect(fuseBlown(FUSE, healthy, { sessions: 19, errors: 19 })).toBe(false);
    expect(fuseBlown(FUSE, healthy, { sessions: 20, errors: 9 })).toBe(false);
    expect(fuseBlown({ minSessions: 5, errorRate: 1 }, healthy, { sessions: 5, errors: 5 })).toBe(true);
    expect(fuseBlown({ minSessions: 5, errorRate: 1 }, healthy, { sessions: 50, errors: 49 })).toBe(false);
  });

  it("holds in an outage of both arms", () => {
    expect(fuseBlown(FUSE, { sessions: 200, errors: 120 }, { sessions: 20, errors: 12 })).toBe(false);
    expect(fuseBlown(FUSE, { sessions: 0, errors: 0 }, { sessions: 20, errors: 20 })).toBe(false);
  });

  it("blows where it is 99 % sure that the challenger fails more: counted by drawing both rates", () => {
    const random = createRandom(77);
    // Beta(a, b) of whole numbers: the a-th smallest of a + b - 1 uniform numbers.
    const beta = (a: number, b: number): number =>
      Array.from({ length: a + b - 1 }, random.next).sort((x, y) => x - y)[a - 1] as number;
    const sureness = (errors: number): number => {
      let worse = 0;
      for (let run = 0; run < 4000; run += 1) worse += beta(1 + errors, 21 - errors) > beta(7, 15) ? 1 : 0;
      return worse / 4000;
    };
    // The champion failed in 6 of 20: 13 of 20 are not enough, 15 are.
    expect(sureness(13)).toBeLessThan(0.99);
    expect(sureness(15)).toBeGreaterThan(0.99);
    expect(fuseBlown(FUSE, { sessions: 20, errors: 6 }, { sessions: 20, errors: 13 })).toBe(false);
    expect(fuseBlown(FUSE, { sessions: 20, errors: 6 }, { sessions: 20, errors: 15 })).toBe(true);
  });
});
