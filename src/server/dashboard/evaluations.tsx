/**
 * What ticks found: of one experiment as a table on its page, and the newest of all projects on a page of their own.
 */
import type { Context } from "hono";
import type { Verdict } from "../../core/decision/decide.js";
import type { ExperimentStatus } from "../../core/decision/life-cycle.js";
import { count, evidence, percent, probability } from "../../core/words/numbers.js";
import type { EvaluationFilter, EvaluationPage } from "../../engine/experiments/evaluations.js";
import type { StoredEvaluation } from "../../engine/ports.js";
import { minuteText } from "../time-text.js";
import type { Request } from "./layout.js";
import { experimentPath, projectPath } from "./names.js";
import { Badge, Card, Empty, Scroll, type Tone } from "./parts.js";
import { given, Older, SearchPage, type Typed, timeOf, typedIn } from "./search-page.js";

const TONES: Record<Verdict, Tone> = { promote: "good", hold: "neutral", abort: "bad", continue: "neutral" };

const nameOf = ({ verdict, reason }: StoredEvaluation): string =>
  verdict === "continue" ? reason : `${verdict}, ${reason}`;

function Row({ evaluation, isAlone }: { readonly evaluation: StoredEvaluation; readonly isAlone: boolean }) {
  const { project, experiment, numbers, review, verdict, shares, atMs } = evaluation;
  const [leading] = numbers.contests;
  return (
    <tr>
      <th scope="row">
        <a href={experimentPath(project, experiment)}>{minuteText(atMs)}</a>
      </th>
      {isAlone ? null : (
        <td class="text">
          <a href={projectPath(project)}>{project}</a>
        </td>
      )}
      <td class="text">
        <Badge tone={TONES[verdict]}>{nameOf(evaluation)}</Badge>
      </td>
      <td>{count(numbers.sessionCount)}</td>
      <td>{shares.map((share) => percent(share, 0)).join(", ")}</td>
      <td>{probability(leading?.probabilityBetter ?? Number.NaN)}</td>
      <td>
        {evidence(leading?.logSupPromote ?? Number.NaN)} of {evidence(leading?.logLinePromote ?? Number.NaN)}
      </td>
      <td>{percent(leading?.chanceOfPromotion ?? Number.NaN, 0)}</td>
      <td class="text wrap">
        {review.map(({ message }) => (
          <span class="clamped">
            <Badge tone="warn">needs review</Badge> {message}
          </span>
        ))}
      </td>
    </tr>
  );
}

const HEADERS = ["sessions", "share", "P(better)", "evidence", "chance"] as const;

/** Evaluations in the order given. @param isAlone of one experiment, whose name needs no saying */
export function EvaluationTable({
  evaluations,
  isAlone = false,
}: {
  readonly evaluations: readonly StoredEvaluation[];
  readonly isAlone?: boolean;
}) {
  return (
    <Scroll label="Evaluations">
      <table>
        <thead>
          <tr>
            <th scope="col">when (UTC)</th>
            {isAlone ? null : (
              <th scope="col" class="text">
                project
              </th>
            )}
            <th scope="col" class="text">
              verdict
            </th>
            {HEADERS.map((name) => (
              <th scope="col">{name}</th>
            ))}
            <th scope="col" class="text">
              review
            </th>
          </tr>
        </thead>
        <tbody>
          {evaluations.map((evaluation) => (
            <Row evaluation={evaluation} isAlone={isAlone} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const choicesOf = (...names: readonly string[]) => [
  ["", "any"] as const,
  ...names.map((name) => [name, name] as const),
];

const FIELDS = [
  { name: "project", label: "Project" },
  { name: "owner", label: "Owner" },
  { name: "tag", label: "Tag" },
  { name: "review", label: "Review", choices: choicesOf("needed") },
  { name: "verdict", label: "Verdict", choices: choicesOf("continue", "promote", "hold", "abort") },
  { name: "status", label: "Status", choices: choicesOf("running", "paused", "promoted", "held", "aborted") },
  { name: "since", label: "From (UTC)", type: "datetime-local" },
  { name: "until", label: "Before (UTC)", type: "datetime-local" },
] as const;

type TypedEvaluations = Typed<(typeof FIELDS)[number]["name"]>;

/** The fields of the search in a request. */
export const typedEvaluations = (c: Context): TypedEvaluations => typedIn(c, FIELDS);

/** What is looked for; the engine says what there is no such thing of. @throws DethroneError `input_invalid` for what is no time */
export function evaluationFilterOf(
  typed: TypedEvaluations,
  projects: readonly string[] | null,
): EvaluationFilter {
  return {
    projects,
    project: given(typed.project),
    verdict: given(typed.verdict) as Verdict | undefined,
    status: given(typed.status) as ExperimentStatus | undefined,
    owner: given(typed.owner),
    tag: given(typed.tag),
    sinceMs: timeOf("since", typed.since),
    untilMs: timeOf("until", typed.until),
    needsReview: typed.review === "" ? undefined : true,
    cursor: given(typed.cursor),
  };
}

function Results({ typed, page }: { readonly typed: TypedEvaluations; readonly page: EvaluationPage }) {
  const { evaluations, nextCursor } = page;
  if (evaluations.length === 0)
    return (
      <Empty
        title="No evaluation"
        text="A tick logs one wherever it folds something. None is stored that fits."
      />
    );
  return (
    <Card
      title="Evaluations"
      note="Newest first. Kept are all that say something new, and of the rest the last one of each hour."
    >
      <EvaluationTable evaluations={evaluations} />
      <Older path="/evaluations" typed={typed} cursor={nextCursor} what="evaluations" />
    </Card>
  );
}

/** What ticks found, with a search; null where what was typed is wrong. */
export function EvaluationsPage(props: {
  readonly request: Request;
  readonly typed: TypedEvaluations;
  readonly page: EvaluationPage | null;
  readonly problem: string | null;
}) {
  const { page, ...search } = props;
  const note = "What each tick found that folded something, and where criteria disagree.";
  return (
    <SearchPage {...search} title="Evaluations" note={note} path="/evaluations" fields={FIELDS}>
      {page === null ? null : <Results typed={props.typed} page={page} />}
    </SearchPage>
  );
}
