import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvHead, csvLine, unmarked } from "../../../../src/engine/transfer/csv.js";

describe("CSV", () => {
  it("marks what a spreadsheet would run, and leaves numbers alone", () => {
    const fields = ["a", "b", "c", "d", "e", "f"];
    const record = { a: "=1+1", b: -2, c: "@x", d: 'say "no", twice', e: { a: [1] }, f: null };
    expect(csvHead(fields)).toBe("a,b,c,d,e,f\r\n");
    expect(csvLine(fields, record)).toBe(`'=1+1,-2,'@x,"say ""no"", twice","{""a"":[1]}",\r\n`);
  });

  it("gives every text back as it was, and none that begins a formula", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary-ascii", maxLength: 20 }), { minLength: 2, maxLength: 4 }),
        (texts) => {
          const fields = texts.map((_, i) => `f${i}`);
          const record = Object.fromEntries(texts.map((text, i) => [`f${i}`, text]));
          const [cells] = parse(csvLine(fields, record)) as string[][];
          expect((cells as string[]).map(unmarked)).toEqual(texts);
          for (const cell of cells as string[]) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
        },
      ),
    );
  });
});
