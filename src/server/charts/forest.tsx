/**
 * Metrics beside the score: what the challenger changes of each, as an interval against what is allowed.
 */
import { Whisker } from "./inline.js";

/** A metric's change. */
export interface ForestRow {
  readonly name: string;
  /** what is said below the name: the limit, the direction */
  readonly note: string;
  /** null while an arm has too few values */
  readonly change: { readonly low: number; readonly middle: number; readonly high: number } | null;
  /** the change in words */
  readonly text: string;
  /** the change at which it is worse by more than is allowed; null where there is no limit on this scale */
  readonly limit: number | null;
  readonly state: { readonly text: string; readonly tone: "good" | "bad" | "neutral" };
  readonly arm: number;
}

/** A scale with no change in the middle, so that worse and better are as far apart in every row. */
function domainOf({ change, limit }: ForestRow): readonly [number, number] {
  const ends = [change?.low, change?.high, limit].filter((end) => typeof end === "number").map(Math.abs);
  // A limit far beyond the data, or data far beyond the limit, still leave the other to be seen.
  const size = Math.max(1e-9, ...ends) * 1.1;
  return [-size, size];
}

/** Each metric in a row: its name and limit, its interval, its change in words, its state. */
export function Forest({ rows }: { readonly rows: readonly ForestRow[] }) {
  return (
    <ul class="forest">
      {rows.map((row) => {
        const { name, note, change, text, limit, state, arm } = row;
        const lines = [
          { at: 0, tone: "neutral" as const },
          ...(limit === null ? [] : [{ at: limit, tone: "bad" as const }]),
        ];
        return (
          <li>
            <div class="forest-name">
              <strong>{name}</strong>
              <small>{note}</small>
            </div>
            {change === null ? (
              <span class="forest-none">too few values</span>
            ) : (
              <Whisker
                {...change}
                title={`${name}: ${text}`}
                domain={domainOf(row)}
                lines={lines}
                arm={arm}
              />
            )}
            <div class="forest-text">{text}</div>
            <span class={`badge tone-${state.tone}`}>{state.text}</span>
          </li>
        );
      })}
    </ul>
  );
}
