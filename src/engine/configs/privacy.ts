/**
 * Keeps texts the host does not want stored out of what it records.
 */
import { DethroneError, type Json } from "../../core/errors.js";
import { textsOf } from "./places.js";

/** What a text is recorded as part of. */
export type RecordedKind = "context" | "signal" | "config";

/** Why a text must not be stored, without repeating it; null if it may. Asked for every text and key of a value. */
export type PrivacyGuard = (
  text: string,
  where: {
    readonly kind: RecordedKind;
    /** dotted path of the text, or of the object that has the key; "" for the whole value */
    readonly path: string;
  },
) => string | null;

/** Signs of source code. Two repetitions never share a character: so each pattern takes time linear in the text. */
const CODE_SIGNS: readonly (readonly [string, RegExp])[] = [
  ["a function", /\b(?:function\b\*?(?:\s+[\w$]+)?|(?:def|fn|func|fun)\s+[\w$]+)\s*[(<]/],
  [
    "a class",
    /\b(?:class|struct|interface|trait|enum|impl)\s+[\w$]+\s*(?:[:{(<]|(?:extends|implements|for)\b)/,
  ],
  ["an import", /^[ \t]*(?:import\s|from\s+[\w$.]+\s+import\b|using\s+namespace\b|package\s+[\w.]+\s*;?$)/m],
  ["an import", /[;}]\s*import\s|\brequire\s*\(|\bimport\s*\(/],
  ["a declaration", /\b(?:const|let|var|val)\s+(?:[{[]|[\w$]+\s*[=:])/],
  ["an arrow", /=>/],
  ["a directive", /#\s*(?:include|define|ifdef|ifndef|pragma)\b/],
  ["a print call", /\b(?:e?print(?:ln|f)?!?|console\s*\.\s*\w+|System\s*\.\s*out\s*\.\s*\w+)\s*\(/],
  ["an SQL statement", /\b(?:insert\s+into|delete\s+from|create\s+table)\b/i],
];

function isQuery(text: string): boolean {
  const start = text.search(/\bselect\b/i);
  // Two steps: one pattern would look for the end again from each word that may be the beginning.
  return start >= 0 && /\bfrom\b/i.test(text.slice(start));
}

/**
 * Refuses contexts and signals with a text that looks like source code, so that nobody's code is stored by mistake.
 *
 * It prefers to refuse too much: "select one from the list" could be SQL. Configs pass, since prompts may show code.
 *
 * @example
 * codeGuard("const a = 1;", { kind: "context", path: "task" }); // "it looks like source code (a declaration)"
 * codeGuard("const a = 1;", { kind: "config", path: "prompt" }); // null
 */
export const codeGuard: PrivacyGuard = (text, { kind }) => {
  if (kind === "config") return null;
  const sign =
    CODE_SIGNS.find(([, pattern]) => pattern.test(text))?.[0] ?? (isQuery(text) ? "a query" : null);
  return sign === null ? null : `it looks like source code (${sign})`;
};

/**
 * Lets a guard refuse a value that is about to be recorded: every text in it, keys included.
 *
 * A guard that throws, or answers with anything but null, has refused: what it was unsure of is not stored.
 *
 * @throws DethroneError `privacy_refused` with the path and the guard's reason, never the text
 * @example
 * assertPrivate(codeGuard, "context", { task: "Refund an order" }); // passes
 * assertPrivate(codeGuard, "context", { task: "let a = 1" }); // throws privacy_refused for the path 'task'
 */
export function assertPrivate(guard: PrivacyGuard | null, kind: RecordedKind, value: Json): void {
  if (guard === null) return;
  for (const { text, path, isKey } of textsOf(value)) {
    const reason = reasonOf(guard, text, { kind, path });
    if (reason === null) continue;
    // A refused key is part of no path: it is asked about before what stands under it.
    const place = `${isKey ? "a key of " : ""}${path === "" ? "the whole" : `'${path}'`}`;
    throw new DethroneError(
      "privacy_refused",
      `The ${kind} is not recorded, because the privacy guard refuses ${place}: ${reason}.`,
      {
        recorded: kind,
        path,
        isKey,
        reason,
        allowed: "texts for which the privacy guard answers null",
      },
    );
  }
}

function reasonOf(guard: PrivacyGuard, text: string, where: Parameters<PrivacyGuard>[1]): string | null {
  let answer: unknown;
  try {
    answer = guard(text, where);
  } catch (error) {
    // Not its message, nor the error as the cause: either may quote the text.
    return `the guard itself threw ${error instanceof Error ? error.name : "a value that is no error"}`;
  }
  if (answer === null || (typeof answer === "string" && answer !== "")) return answer;
  return `the guard answered with ${typeof answer === "string" ? "an empty text" : typeof answer}, not a reason or null`;
}
