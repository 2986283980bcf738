import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBaggage, type ParentSession, toBaggage } from "../../../../src/engine/sessions/baggage.js";

const SESSION = { id: "s-1", project: "support", root: "r-1" };
const MEMBER = "dethrone=s-1~support~r-1";
/** All that the specification allows in a header of members. */
const HEADER = /^[\x20-\x7e\t]*$/;

const bytesOf = (header: string): number => Buffer.byteLength(header);

/** UTF-16 as it comes: halves of surrogate pairs, control characters, everything. */
const utf16 = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 200 })
  .map((codes) => String.fromCharCode(...codes));
/** Texts made of what has a meaning in the header or in our member. */
const syntax = fc
  .array(fc.constantFrom(...",;=%~*\\\"' \t+!", "%2C", "*007e", "é", "漢", "😀", "\ud83d", "\ude00"), {
    minLength: 1,
    maxLength: 30,
  })
  .map((pieces) => pieces.join(""));
const part = fc.oneof(
  fc.uuid(),
  fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  utf16.map((text) => text.slice(0, 60)),
  syntax,
);
const session = fc.record({ id: part, project: part, root: part });

const token = fc.stringMatching(/^[a-z][\w!#$&'*+.^`|~-]{0,12}$/).filter((key) => key !== "dethrone");
const value = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,12}$/);
const space = fc.constantFrom("", " ", "\t", "  ");
const property = fc.oneof(
  token,
  fc.tuple(token, space, value).map(([key, gap, text]) => `${key}${gap}=${gap}${text}`),
);
/** A member of somebody else, as the grammar allows it. */
const foreign = fc
  .tuple(space, token, space, value, fc.array(property, { maxLength: 3 }), space)
  .map(([before, key, gap, text, properties, after]) =>
    [`${before}${key}${gap}=${gap}${text}`, ...properties].join(`${gap};${gap}`).concat(after),
  );

/** What OpenTelemetry's propagator makes of a member on its way through a service: decoded, and encoded anew. */
function reEncoded(member: string): string {
  const [pair = "", ...properties] = member.split(";");
  const [key = "", ...rest] = pair.split("=");
  const text = decodeURIComponent(rest.join("=").trim());
  return [`${key.trim()}=${encodeURIComponent(text)}`, ...properties].join(";");
}

describe("a session's baggage", () => {
  it("is one member, readable where the ids are", () => {
    expect(toBaggage(SESSION)).toBe(MEMBER);
    expect(fromBaggage(MEMBER)).toEqual(SESSION);
    expect(toBaggage({ id: "s-1", project: "support", root: null }, "tenant=7")).toBe(
      "tenant=7,dethrone=s-1~support~s-1",
    );
    expect(fromBaggage("tenant=7,dethrone=s-1~support~s-1")).toEqual({
      id: "s-1",
      project: "support",
      root: "s-1",
    });
    expect(fromBaggage("tenant=7")).toBe(null);
  });

  it.each([
    ["a comma and a semicolon", "a,b;c", "a%2Cb%3Bc"],
    ["a quote and a backslash", '"\\', "%22%5C"],
    ["an equals sign and a space", "a = b", "a%20%3D%20b"],
    ["a plus", "a+b", "a%2Bb"],
    ["a percent sign", "100%", "100%25"],
    ["an octet in disguise", "%2C", "%252C"],
    ["letters beyond ASCII", "é漢😀", "%C3%A9%E6%BC%A2%F0%9F%98%80"],
    ["a line break", "a\r\nb", "a%0D%0Ab"],
    ["our separator", "a~b", "a*007eb"],
    ["our escape", "a*007eb", "a*002a007eb"],
    ["half a surrogate pair", "\ud83d", "*d83d"],
    ["the other half", "\ude00", "*de00"],
    ["two halves the wrong way round", "\ude00\ud83d", "*de00*d83d"],
  ])("carries %s", (_, id, encoded) => {
    const header = toBaggage({ ...SESSION, id });
    expect(header).toBe(`dethrone=${encoded}~support~r-1`);
    expect(fromBaggage(header)).toEqual({ ...SESSION, id });
  });

  it("carries any session unharmed, in characters a header may have", () => {
    fc.assert(
      fc.property(session, (sent) => {
        const header = toBaggage(sent);
        expect(header).toMatch(/^dethrone=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/);
        expect(fromBaggage(header)).toEqual(sent);
      }),
    );
  });

  it("survives a service that decodes and encodes every member", () => {
    fc.assert(
      fc.property(session, (sent) => {
        expect(fromBaggage(reEncoded(toBaggage(sent)))).toEqual(sent);
        expect(fromBaggage(reEncoded(reEncoded(toBaggage(sent))))).toEqual(sent);
      }),
    );
  });

  it("fits with ids of full length in any script", () => {
    const long = { id: "漢".repeat(200), project: "漢".repeat(200), root: "漢".repeat(200) };
    expect(fromBaggage(toBaggage(long))).toEqual(long);
  });

  it("takes a session without a root for the root", () => {
    expect(fromBaggage(toBaggage({ ...SESSION, root: null }))).toEqual({ ...SESSION, root: "s-1" });
  });
});

describe("toBaggage", () => {
  it.each([
    ["nothing", undefined, MEMBER],
    ["null, as Headers.get says it", null, MEMBER],
    ["an empty header", "", MEMBER],
    ["blanks", " \t", MEMBER],
    ["a member", "a=1", `a=1,${MEMBER}`],
    ["members with blanks and properties", " a = 1 ;p;q=2 ,\tb=2", ` a = 1 ;p;q=2 ,\tb=2,${MEMBER}`],
    ["empty members", "a=1,, ,b=2,", `a=1,b=2,${MEMBER}`],
    ["what is no member", "%%%,=,;;", `%%%,=,;;,${MEMBER}`],
    ["the same member twice", "a=1,a=2,a=1", `a=1,a=2,a=1,${MEMBER}`],
    ["a key like ours", "dethroned=1,Dethrone=2", `dethroned=1,Dethrone=2,${MEMBER}`],
    ["our key as a value and as a property", "a=dethrone;dethrone=1", `a=dethrone;dethrone=1,${MEMBER}`],
  ])("adds to %s", (_, existing, merged) => {
    expect(toBaggage(SESSION, existing)).toBe(merged);
  });

  it.each([
    ["alone", "dethrone=old~p~r"],
    ["with blanks and properties", "\tdethrone = old~p~r ; ttl=5"],
    ["twice", "dethrone=old~p~r,dethrone=older~p~r"],
    ["malformed", "dethrone"],
    ["malformed, with a property", "dethrone;a=1"],
  ])("replaces our member where it is %s", (_, ours) => {
    expect(toBaggage(SESSION, ours)).toBe(MEMBER);
    expect(toBaggage(SESSION, `a=1,${ours},b=2; p`)).toBe(`a=1,b=2; p,${MEMBER}`);
  });

  it("keeps the members of others as they are, in their order", () => {
    const members = fc.array(foreign, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(members, session, session, fc.nat(), (others, old, sent, at) => {
        const header = others.join(",");
        expect(toBaggage(sent, header)).toBe(`${header},${toBaggage(sent)}`);
        const withOurs = others.toSpliced(at % (others.length + 1), 0, toBaggage(old)).join(",");
        expect(toBaggage(sent, withOurs)).toBe(`${header},${toBaggage(sent)}`);
        expect(fromBaggage(toBaggage(sent, withOurs))).toEqual(sent);
      }),
    );
  });

  it("can be read again behind any text at all", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), syntax, utf16), session, (existing, sent) => {
        expect(fromBaggage(toBaggage(sent, existing))).toEqual(sent);
      }),
    );
  });

  it("is stable: merged into its own result, the same session changes nothing", () => {
    fc.assert(
      fc.property(fc.array(foreign, { maxLength: 5 }), session, (others, sent) => {
        const merged = toBaggage(sent, others.join(","));
        expect(toBaggage(sent, merged)).toBe(merged);
        expect(merged).toMatch(HEADER);
      }),
    );
  });

  it("fills the header up to 8192 bytes, and leaves itself out beyond", () => {
    const room = 8192 - bytesOf(`,${MEMBER}`);
    const full = `a=${"x".repeat(room - 2)}`;
    expect(bytesOf(toBaggage(SESSION, full))).toBe(8192);
    expect(toBaggage(SESSION, `${full}x`)).toBe(`${full}x`);
    expect(toBaggage(SESSION, `a=${"x".repeat(20_000)}`)).toBe(`a=${"x".repeat(20_000)}`);
  });

  it("counts bytes, not characters", () => {
    const existing = `a=${"é".repeat(4090)}`;
    expect(toBaggage(SESSION, existing)).toBe(existing);
  });

  it("is the 64th member at most", () => {
    const others = Array.from({ length: 64 }, (_, index) => `k${index}=v`);
    expect(toBaggage(SESSION, others.slice(1).join(","))).toBe([...others.slice(1), MEMBER].join(","));
    expect(toBaggage(SESSION, others.join(","))).toBe(others.join(","));
  });

  it("passes on no older session where the new one does not fit", () => {
    const others = Array.from({ length: 64 }, (_, index) => `k${index}=v`).join(",");
    expect(toBaggage(SESSION, `dethrone=old~p~r,${others}`)).toBe(others);
    expect(toBaggage({ ...SESSION, id: "" }, "dethrone=old~p~r")).toBe("");
  });

  it.each(["id", "project", "root"] as const)(
    "leaves itself out where the %s cannot be read back",
    (field) => {
      expect(fromBaggage(toBaggage({ ...SESSION, [field]: "x".repeat(200) }))).not.toBe(null);
      expect(toBaggage({ ...SESSION, [field]: "x".repeat(201) }, "a=1")).toBe("a=1");
      expect(toBaggage({ ...SESSION, [field]: "" }, "a=1")).toBe("a=1");
    },
  );
});

describe("fromBaggage", () => {
  it.each<[string, string | readonly string[] | null | undefined]>([
    ["undefined", undefined],
    ["null", null],
    ["no header", []],
    ["an empty header", ""],
    ["members of others", "a=1,b=2;dethrone=s-1~support~r-1"],
    ["another case", "Dethrone=s-1~support~r-1"],
    ["an encoded key", "%64ethrone=s-1~support~r-1"],
    ["no value", "dethrone"],
    ["an empty value", "dethrone="],
    ["only a property", "dethrone;=s-1~support~r-1"],
    ["one part", "dethrone=s-1"],
    ["two parts", "dethrone=s-1~support"],
    ["an empty part", "dethrone=s-1~~r-1"],
    ["a percent sign without its octet", "dethrone=s-1%~support~r-1"],
    ["octets that are no UTF-8", "dethrone=s-1%ff~support~r-1"],
    ["half a surrogate pair in UTF-8", "dethrone=%ED%A0%BD~support~r-1"],
    ["an escape without its code", "dethrone=s*~support~r-1"],
    ["an escape with too few digits", "dethrone=s*07e~support~r-1"],
    ["an escape in capitals", "dethrone=s*007E~support~r-1"],
    ["an escape that was not needed", "dethrone=s*0041~support~r-1"],
    ["a pair of escaped halves", "dethrone=*d83d*de00~support~r-1"],
    ["a blank inside", "dethrone=s 1~support~r-1"],
    ["quotes around", 'dethrone="s-1~support~r-1"'],
    ["a backslash", "dethrone=s\\1~support~r-1"],
    ["a letter beyond ASCII", "dethrone=é~support~r-1"],
    ["a line break", "dethrone=s\n1~support~r-1"],
    ["an id of 201 characters", `dethrone=${"x".repeat(201)}~support~r-1`],
    ["a project of 201 characters", `dethrone=s-1~${"x".repeat(201)}~r-1`],
    ["a root of 201 characters", `dethrone=s-1~support~${"x".repeat(201)}`],
  ])("finds no session in %s", (_, header) => {
    expect(fromBaggage(header)).toBe(null);
  });

  it.each<[string, string | readonly string[]]>([
    ["alone", MEMBER],
    ["among others", `a=1, ${MEMBER} ,b=2`],
    ["with blanks around key and value", "\tdethrone \t=  s-1~support~r-1\t"],
    ["with properties", `${MEMBER};ttl=5 ; dethrone=x`],
    ["encoded more than needed", "dethrone=%73-1%7Esupport%7er-1"],
    ["in the second of two headers", ["a=1", MEMBER]],
    ["in a list in one of the headers", [`a=1,${MEMBER}`, "b=2"]],
    ["behind an empty header", ["", MEMBER]],
    ["behind an older one", `dethrone=old~p~r,${MEMBER}`],
    ["behind an older one in another header", ["dethrone=old~p~r", MEMBER]],
    ["behind a malformed one", ["dethrone=%", MEMBER]],
    ["with parts of a later version", `${MEMBER}~more`],
  ])("reads our member %s", (_, header) => {
    expect(fromBaggage(header)).toEqual(SESSION);
  });

  it("goes by the newest member, even where that one is malformed", () => {
    expect(fromBaggage(`${MEMBER},dethrone=%`)).toBe(null);
  });

  it("reads ids of 200 characters", () => {
    const id = "x".repeat(200);
    expect(fromBaggage(`dethrone=${id}~${id}~${id}`)).toEqual({ id, project: id, root: id });
  });

  it("never throws, and what it reads can be sent on", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), utf16, syntax);
    const header = fc.oneof(
      text,
      fc.tuple(text, text, text).map((parts) => `dethrone=${parts.join("~")}`),
      text.map((tail) => `dethrone=${tail}`),
      foreign,
    );
    const check = (read: ParentSession | null): void => {
      if (read) expect(fromBaggage(toBaggage(read))).toEqual(read);
    };
    fc.assert(
      fc.property(header, fc.array(header), (one, many) => {
        check(fromBaggage(one));
        check(fromBaggage(many));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["a number", 1],
    ["an object", {}],
    ["a symbol", Symbol("s")],
    ["a function", () => MEMBER],
    ["a list without texts", [1, null, Symbol("s")]],
  ])("takes %s for no header", (_, header) => {
    expect(fromBaggage(header as never)).toBe(null);
  });
});
