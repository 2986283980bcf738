/**
 * Two configs side by side: each place where they differ, with what is there before and after.
 */
import type { Json } from "../../core/errors.js";
import type { ConfigChange } from "../../engine/configs/diff.js";

interface Piece {
  readonly text: string;
  readonly isChanged: boolean;
}

/** A value as people read it; null where there is none. */
export const textOf = (value: Json | undefined): string | null =>
  value === undefined ? null : typeof value === "string" ? value : JSON.stringify(value, null, 2);

/** A path as people write it: `tools.0.name`. */
export function placeText(path: string): string {
  const keys = path
    .slice(1)
    .split("/")
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  return path === "" ? "(the whole config)" : keys.join(".");
}

/** How many elements two lists have in common at their start. */
function commonLength(left: readonly string[], right: readonly string[]): number {
  let length = 0;
  while (length < Math.min(left.length, right.length) && left[length] === right[length]) length += 1;
  return length;
}

/** A text with the stretch between what both begin and end with. */
function pieces(text: string, other: string | null): readonly Piece[] {
  if (other === null) return [{ text, isChanged: false }];
  const [words, others] = [text.split(/(\s+)/), other.split(/(\s+)/)];
  const head = commonLength(words, others);
  const [rest, otherRest] = [words.slice(head).reverse(), others.slice(head).reverse()];
  const tail = commonLength(rest, otherRest);
  return [
    { text: words.slice(0, head).join(""), isChanged: false },
    { text: words.slice(head, words.length - tail).join(""), isChanged: true },
    { text: words.slice(words.length - tail).join(""), isChanged: false },
  ].filter(({ text: each }) => each !== "");
}

function Side({
  text,
  other,
  kind,
}: {
  text: string | null;
  other: string | null;
  kind: "removed" | "added";
}) {
  if (text === null) return <pre class="none">(not there)</pre>;
  return (
    <pre class={kind}>
      {pieces(text, other).map((piece) => (piece.isChanged ? <mark>{piece.text}</mark> : piece.text))}
    </pre>
  );
}

/** The differences of two configs. */
export function ConfigDiff(props: {
  readonly before: string;
  readonly after: string;
  readonly changes: readonly ConfigChange[];
}) {
  if (props.changes.length === 0) return <p class="quiet">The two do not differ.</p>;
  return (
    <div class="diff">
      <h3>{props.before}</h3>
      <h3>{props.after}</h3>
      {props.changes.map(({ path, before, after }) => (
        <>
          <p class="diff-path">{placeText(path)}</p>
          <Side text={textOf(before)} other={textOf(after)} kind="removed" />
          <Side text={textOf(after)} other={textOf(before)} kind="added" />
        </>
      ))}
    </div>
  );
}
