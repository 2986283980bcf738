/**
 * The audit log in plain sentences: what was done, by whom and why.
 */
import type { StoredAuditEntry } from "../../engine/ports.js";
import { actionText, type LogNames, whyOf } from "../../engine/words/history.js";
import { minuteText } from "../time-text.js";

/** Entries of the log, in the order given. @param names what the entries' configs are called */
export function Log({
  entries,
  names,
}: {
  readonly entries: readonly StoredAuditEntry[];
  readonly names: LogNames;
}) {
  return (
    <ol class="log">
      {entries.map((entry) => {
        const why = whyOf(entry);
        return (
          <li>
            <time datetime={new Date(entry.atMs).toISOString()}>{minuteText(entry.atMs)}</time>
            <div>
              <p>
                {actionText(entry, names)} <span class="quiet">by {entry.actor}</span>
              </p>
              {why === null ? null : <p class="why">{why}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
