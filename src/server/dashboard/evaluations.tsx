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
import { Page, type Request } from "./layout.js";
import { experimentPath, projectPath } from "./names.js";
import { Badge, Card, Empty, Head, Scroll, type Tone } from "./parts.js";

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

const FIELDS = ["project", "verdict", "status", "owner", "tag", "review"] as const;

/** The fields of the search as they were typed. */
export type TypedEvaluations = Readonly<Record<(typeof FIELDS)[number] | "cursor", string>>;

/** The fields of the search in a request. */
export function typedEvaluations(c: Context): TypedEvaluations {
  const of = (name: string): string => (c.req.query(name) ?? "").trim();
  return Object.fromEntries([...FIELDS, "cursor"].map((name) => [name, of(name)])) as TypedEvaluations;
}

/** What is looked for; the engine says what there is no such thing of. */
export function evaluationFilterOf(
  typed: TypedEvaluations,
  projects: readonly string[] | null,
): EvaluationFilter {
  const given = (text: string): string | undefined => (text === "" ? undefined : text);
  return {
    projects,
    project: given(typed.project),
    verdict: given(typed.verdict) as Verdict | undefined,
    status: given(typed.status) as ExperimentStatus | undefined,
    owner: given(typed.owner),
    tag: given(typed.tag),
    needsReview: typed.review === "" ? undefined : true,
    cursor: given(typed.cursor),
  };
}

const CHOICES = {
  verdict: ["", "continue", "promote", "hold", "abort"],
  status: ["", "running", "paused", "promoted", "held", "aborted"],
  review: ["", "needed"],
} as const;

function SearchForm({ typed }: { readonly typed: TypedEvaluations }) {
  return (
    <form class="card form" method="get" action="/evaluations">
      <div class="fields">
        {(["project", "owner", "tag"] as const).map((name) => (
          <label class="field">
            <span>{name}</span>
            <input type="text" name={name} value={typed[name]} />
          </label>
        ))}
        {(["verdict", "status", "review"] as const).map((name) => (
          <label class="field">
            <span>{name}</span>
            <select name={name}>
              {CHOICES[name].map((choice) => (
                <option value={choice} selected={typed[name] === choice}>
                  {choice === "" ? "any" : choice}
                </option>
              ))}
            </select>
          </label>
        ))}
        <button class="button primary" type="submit">
          Search
        </button>
      </div>
    </form>
  );
}

/** The address of the next page. */
function nextPath(typed: TypedEvaluations, cursor: string): string {
  const query = new URLSearchParams(Object.entries({ ...typed, cursor }).filter(([, text]) => text !== ""));
  return `/evaluations?${query}`;
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
      {nextCursor === null ? null : (
        <p class="buttons">
          <a class="button" href={nextPath(typed, nextCursor)}>
            Older evaluations
          </a>
        </p>
      )}
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
  const { request, typed, page, problem } = props;
  return (
    <Page request={request} title="Evaluations">
      <Head
        title="Evaluations"
        note="What each tick found that folded something, and where criteria disagree."
      />
      <div class="stack">
        <SearchForm typed={typed} />
        {problem === null ? null : (
          <p class="notice tone-bad" role="alert">
            {problem}
          </p>
        )}
        {page === null ? null : <Results typed={typed} page={page} />}
      </div>
    </Page>
  );
}
