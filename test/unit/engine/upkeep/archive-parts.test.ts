import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesWhere } from "../../../../src/core/sequential/guardrail.js";
import type { FoldRow } from "../../../../src/engine/ports.js";
import { CHAIN_START, chainAfter } from "../../../../src/engine/upkeep/chain.js";
import { keptBreakdown } from "../../../../src/engine/upkeep/kept-breakdown.js";
import { neededContext } from "../../../../src/engine/upkeep/needed-context.js";
import { packPage, unpackPage } from "../../../../src/store/reads/archive-page.js";

const score = fc.option(fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0));

const row: fc.Arbitrary<FoldRow> = fc.record({
  seq: fc.nat(),
  shares: fc.array(fc.double({ min: 0.01, max: 0.5, noNaN: true }), { minLength: 1, maxLength: 3 }),
  score,
  context: fc.option(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string())),
  startedAtMs: fc.constant(null),
  durationMs: fc.option(fc.nat()),
  signals: fc.array(
    fc.record({
      name: fc.string(),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      kind: fc.constantFrom("explicit" as const, "implicit" as const, null),
    }),
  ),
  arm: fc.nat(2),
});

describe("a page of an archive", () => {
  it("gives back what it was made of, bit for bit", () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        expect(JSON.stringify(unpackPage(packPage(rows)))).toBe(
          JSON.stringify(unpackPage(packPage(unpackPage(packPage(rows))))),
        );
        expect(unpackPage(packPage(rows))).toEqual(rows.map((each) => JSON.parse(JSON.stringify(each))));
      }),
    );
  });
});

describe("the chain of hashes", () => {
  it("is the same in one go or in pieces, and another for any other units or order", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 8 }), fc.nat(7), (rows, at) => {
        const whole = chainAfter(CHAIN_START, rows);
        expect(chainAfter(chainAfter(CHAIN_START, rows.slice(0, at)), rows.slice(at))).toBe(whole);
        expect(chainAfter(CHAIN_START, rows.slice(1))).not.toBe(whole);
        const changed = rows.map((each, i) =>
          i === at % rows.length ? { ...each, seq: each.seq + 1 } : each,
        );
        expect(chainAfter(CHAIN_START, changed)).not.toBe(whole);
      }),
    );
  });
});

describe("the context that is needed", () => {
  const value = fc.constantFrom("pro", "free", 1, true);
  const name = fc.constantFrom("plan", "user.plan", "user");
  const context = fc.option(
    fc.record(
      {
        plan: value,
        "user.plan": value,
        user: fc.oneof(value, fc.record({ plan: value, name: fc.string() })),
        secret: fc.string(),
      },
      { requiredKeys: [] },
    ),
  );

  it("matches every guardrail as the whole does, and holds nothing else", () => {
    const guardrails = fc.array(fc.record({ where: fc.dictionary(name, value) }), { maxLength: 3 });
    fc.assert(
      fc.property(context, guardrails, (whole, rails) => {
        const needed = neededContext(whole, { guardrails: rails });
        for (const { where } of rails) {
          if (Object.keys(where).length === 0) continue;
          expect(matchesWhere(where, needed)).toBe(matchesWhere(where, whole));
        }
        for (const kept of Object.keys(needed ?? {}))
          expect(rails.some(({ where }) => kept in where)).toBe(true);
      }),
    );
  });

  it("is none outside of experiments, and without a guardrail on a segment", () => {
    expect(neededContext({ plan: "pro" }, null)).toBeNull();
    expect(neededContext({ plan: "pro" }, { guardrails: [{}] })).toBeNull();
  });
});

describe("the breakdown that is kept", () => {
  const worth = (value: string, count: number) => ({
    value,
    arms: [
      { count, mean: 1 },
      { count: 0, mean: null },
    ],
    uplift: null,
  });

  it("counts values of few units with the others, and leaves an attribute out that has no other", () => {
    const plan = { attribute: "plan", values: [worth("pro", 10), worth("ada", 9)], otherCount: 2 };
    const mail = { attribute: "mail", values: [worth("ada@example.org", 1)], otherCount: 7 };
    expect(keptBreakdown([plan, mail])).toEqual([{ ...plan, values: [worth("pro", 10)], otherCount: 11 }]);
  });
});
