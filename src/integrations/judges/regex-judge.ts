/**
 * A judge by a pattern.
 */
import { type Judge, type JudgeSettings, judge } from "./judge.js";

/** How a pattern judges. */
export interface RegexJudgeOptions<Output = unknown> extends JudgeSettings {
  readonly pattern: RegExp;
  /** `match` (the default): a text with a match is good; `none`: one without is */
  readonly good?: "match" | "none";
  /** the text of an output; default: the output itself, if it is one, else its JSON */
  readonly text?: (output: Output) => string;
}

/**
 * A judge that looks for a pattern in the output.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const polite = regexJudge({ name: "no_slang", version: "1", pattern: /\bgonna\b/i, good: "none" });
 */
export function regexJudge<Output = unknown>(options: RegexJudgeOptions<Output>): Judge<unknown, Output> {
  const { pattern, good = "match", text = textOf, ...settings } = options;
  // Without the flags that make a pattern remember where it was.
  const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  return judge({ ...settings, grade: ({ output }) => stateless.test(text(output)) === (good === "match") });
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : (JSON.stringify(output) ?? "");
}
