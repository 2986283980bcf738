/**
 * What was observed of an experiment whose arms a rule gives: numbers that decide nothing.
 */
import type { StudyNumbers } from "../../core/studies/study.js";
import { count, percent } from "../../core/words/numbers.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import {
  cautionText,
  differenceText,
  leftOutText,
  OBSERVATIONAL_TEXT,
  placedText,
  sameTimeText,
} from "../../engine/words/study.js";
import { configName } from "./names.js";
import { ArmName, Card, Facts, Scroll } from "./parts.js";

function ArmsTable({ numbers, place }: { readonly numbers: StudyNumbers; readonly place: number }) {
  return (
    <Scroll label="Arms as observed">
      <table>
        <thead>
          <tr>
            {["arm", "units", "mean score", "95 % interval"].map((name) => (
              <th scope="col">{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {numbers.arms.map(({ role, count: units, mean, interval }) => (
            <tr>
              <th scope="row">
                <ArmName arm={role === "champion" ? 0 : place}>{role}</ArmName>
              </th>
              <td>{count(units)}</td>
              <td>{mean === null ? "-" : percent(mean)}</td>
              <td>{interval === null ? "-" : `${percent(interval[0])} to ${percent(interval[1])}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** What was observed of two arms, and what has to be said of it. */
export function ObservedCard({
  title,
  numbers,
  place = 1,
}: {
  readonly title: string;
  readonly numbers: StudyNumbers;
  /** the challenger's among the arms of its experiment */
  readonly place?: number;
}) {
  return (
    <Card title={`Observational: ${title}`} note={OBSERVATIONAL_TEXT}>
      <ArmsTable numbers={numbers} place={place} />
      <Facts
        facts={[
          ["difference", differenceText(numbers.difference, numbers.differenceInterval)],
          ["of the same time", sameTimeText(numbers)],
          ["put into arms", placedText(numbers)],
          ["left out", leftOutText(numbers)],
          ...numbers.cautions.map((caution) => ["caution", cautionText(caution)] as const),
        ]}
      />
    </Card>
  );
}

/** Each challenger beside the champion, as observed. */
export function Observed({ report }: { readonly report: ExperimentReport }) {
  return (
    <>
      {(report.observed ?? []).map((numbers, j) => (
        <ObservedCard
          title={`${configName(report.challengers[j] ?? report.challenger)} beside the champion`}
          numbers={numbers}
          place={j + 1}
        />
      ))}
    </>
  );
}
