/**
 * All experiments of a project together: what was promoted, and how much of that may be false.
 */
import type { Ledger } from "../../core/decision/ledger.js";
import { Meter } from "./inline.js";

/** How an experiment of the ledger came out. */
export type LedgerOutcome = "promoted" | "held" | "aborted" | "running" | "draft";

/** An experiment of the ledger. */
export interface LedgerCell {
  readonly name: string;
  readonly href: string;
  readonly outcome: LedgerOutcome;
}

/** A shape for each outcome, so that colour says nothing alone. */
const SHAPES: Record<LedgerOutcome, string> = {
  promoted: "M8 2L14 13H2Z",
  held: "M2 8H14",
  aborted: "M3 3L13 13M13 3L3 13",
  running: "M8 3A5 5 0 1 1 7.99 3Z",
  draft: "M3 3H13V13H3Z",
};

/** The shape of an outcome. */
export function OutcomeShape({
  outcome,
  title,
}: {
  readonly outcome: LedgerOutcome;
  readonly title: string;
}) {
  return (
    <svg class={`outcome outcome-${outcome}`} viewBox="0 0 16 16" role="img" aria-label={title}>
      <title>{title}</title>
      <path d={SHAPES[outcome]} />
    </svg>
  );
}

const bound = (value: number): string => (Math.ceil(value * 100 - 1e-9) / 100).toFixed(2);

/** Promotions with proof against how many false ones are expected at most, and each experiment as a shape. */
export function LedgerChart({
  ledger,
  cells,
}: {
  readonly ledger: Ledger;
  readonly cells: readonly LedgerCell[];
}) {
  const { promotions, expectedFalseMax } = ledger;
  const most = Math.max(1, promotions, expectedFalseMax);
  return (
    <div class="ledger">
      <dl class="bars">
        <dt>promoted with proof</dt>
        <dd>
          <Meter title={`${promotions} promotions with proof`} fraction={promotions / most} tone="good" />
          <span>{promotions}</span>
        </dd>
        <dt>expected to be false, at most</dt>
        <dd>
          <Meter
            title={`at most ${bound(expectedFalseMax)} of them`}
            fraction={expectedFalseMax / most}
            tone="bad"
          />
          <span>{bound(expectedFalseMax)}</span>
        </dd>
      </dl>
      <ol class="cells">
        {cells.map(({ name, href, outcome }) => (
          <li>
            <a href={href} aria-label={`${name}: ${outcome}`}>
              <OutcomeShape outcome={outcome} title={`${name}: ${outcome}`} />
            </a>
          </li>
        ))}
      </ol>
      <p>{ledger.sentence}</p>
    </div>
  );
}
