/**
 * Looking sessions up, and one session in full.
 */
import type { Context } from "hono";
import { DethroneError } from "../../core/errors.js";
import { duration, percent } from "../../core/words/numbers.js";
import { quantity } from "../../core/words/quantity.js";
import type { FoundSession } from "../../engine/ports-access.js";
import type { SessionDetail, SessionFilter, SessionPage } from "../../engine/sessions/search.js";
import { minuteText, secondText } from "../time-text.js";
import { Page, type Request } from "./layout.js";
import { experimentPath, projectPath, sessionPath } from "./names.js";
import { ArmName, Badge, Card, Empty, type Fact, Facts, Head, Scroll, type Tone } from "./parts.js";
import { given, Older, SearchPage, type Typed, timeOf, typedIn } from "./search-page.js";

const ARMS = ["", "0", "1", "2", "3"].map(
  (arm) => [arm, arm === "" ? "any" : arm === "0" ? "champion" : `challenger ${arm}`] as const,
);

const FIELDS = [
  { name: "id", label: "Session id" },
  { name: "project", label: "Project" },
  { name: "unit", label: "Unit" },
  { name: "experiment", label: "Experiment id" },
  { name: "since", label: "Started from (UTC)", type: "datetime-local" },
  { name: "until", label: "Started before (UTC)", type: "datetime-local" },
  { name: "arm", label: "Arm", choices: ARMS },
] as const;

type TypedSessions = Typed<(typeof FIELDS)[number]["name"]>;

/** The fields of the search in a request. */
export const typedSessions = (c: Context): TypedSessions => typedIn(c, FIELDS);

/** @throws DethroneError `input_invalid` */
function armOf(text: string): number | undefined {
  if (text === "") return undefined;
  const arm = Number(text);
  if (Number.isInteger(arm) && arm >= 0) return arm;
  throw new DethroneError(
    "input_invalid",
    `arm must be 0, the champion's, or a challenger's place; received '${text}'.`,
    {
      field: "arm",
      received: text,
    },
  );
}

/** What is looked for. @throws DethroneError `input_invalid` */
export function sessionFilterOf(typed: TypedSessions, projects: readonly string[] | null): SessionFilter {
  return {
    projects,
    id: given(typed.id),
    project: given(typed.project),
    unit: given(typed.unit),
    experiment: given(typed.experiment),
    arm: armOf(typed.arm),
    sinceMs: timeOf("since", typed.since),
    untilMs: timeOf("until", typed.until),
    cursor: given(typed.cursor),
  };
}

/** How a session stands, in a word. */
function stateOf(session: FoundSession): { readonly text: string; readonly tone: Tone } {
  if (session.isAbandoned) return { text: "abandoned", tone: "bad" };
  if (session.isMissing) return { text: "missing", tone: "warn" };
  if (session.settledAtMs !== null) return { text: "settled", tone: "neutral" };
  return session.endedAtMs === null
    ? { text: "running", tone: "neutral" }
    : { text: "awaits signals", tone: "neutral" };
}

const armText = (arm: number): string =>
  arm === 0 ? "champion" : arm === 1 ? "challenger" : `challenger ${arm}`;

function Arm({ arm }: { readonly arm: number | null }) {
  return arm === null ? <>outside</> : <ArmName arm={arm}>{armText(arm)}</ArmName>;
}

function Row({ session }: { readonly session: FoundSession }) {
  const { text, tone } = stateOf(session);
  return (
    <tr>
      <th scope="row">
        <a class="mono" href={sessionPath(session.id)}>
          {session.id.slice(0, 18)}
        </a>
      </th>
      <td class="text">
        <a href={projectPath(session.project)}>{session.project}</a>
      </td>
      <td class="text">
        <Arm arm={session.arm} />
      </td>
      <td class="text">{session.unit ?? ""}</td>
      <td>{session.score === null ? "-" : percent(session.score)}</td>
      <td class="text">
        <Badge tone={tone}>{text}</Badge>
        {session.excluded === null ? null : <Badge tone="neutral">left out: {session.excluded}</Badge>}
      </td>
      <td>{minuteText(session.startedAtMs)}</td>
    </tr>
  );
}

const COLUMNS = ["session", "project", "arm", "unit", "score", "state", "started (UTC)"];

function Results({ typed, page }: { readonly typed: TypedSessions; readonly page: SessionPage }) {
  const { sessions, nextCursor } = page;
  if (sessions.length === 0)
    return (
      <Empty
        title="No session"
        text="None is stored that fits. Search with fewer fields, or by a unit or a time alone."
      />
    );
  return (
    <Card title="Sessions" note="Newest first.">
      <Scroll label="Sessions found">
        <table>
          <thead>
            <tr>
              {COLUMNS.map((name) => (
                <th scope="col" class={name === "score" || name.startsWith("started") ? undefined : "text"}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => (
              <Row session={session} />
            ))}
          </tbody>
        </table>
      </Scroll>
      <Older path="/sessions" typed={typed} cursor={nextCursor} what="sessions" />
    </Card>
  );
}

/** The search with what it found; null where what was typed is wrong. */
export function SessionsPage(props: {
  readonly request: Request;
  readonly typed: TypedSessions;
  readonly page: SessionPage | null;
  readonly problem: string | null;
}) {
  const { page, ...search } = props;
  const note = "Look one up by its id, its unit, its arm or its time.";
  return (
    <SearchPage {...search} title="Sessions" note={note} path="/sessions" fields={FIELDS} isStill>
      {page === null ? null : <Results typed={props.typed} page={page} />}
    </SearchPage>
  );
}

function sessionFacts(session: SessionDetail): readonly Fact[] {
  const { project, experiment, arm, unit, startedAtMs, endedAtMs, settledAtMs, windowEndsAtMs, root, parts } =
    session;
  const facts: (Fact | false)[] = [
    ["project", <a href={projectPath(project)}>{project}</a>],
    [
      "experiment",
      experiment === null ? "none" : <a href={experimentPath(project, experiment)}>{experiment}</a>,
    ],
    ["arm", <Arm arm={arm} />],
    unit !== null && ["unit", unit],
    ["score", session.score === null ? "-" : percent(session.score, 1)],
    [
      "evidence",
      session.isEvidence ? "yes" : `no${session.excluded === null ? "" : `: ${session.excluded}`}`,
    ],
    ["started", `${secondText(startedAtMs)} UTC`],
    [
      "ended",
      endedAtMs === null ? "-" : `${secondText(endedAtMs)} UTC, after ${duration(endedAtMs - startedAtMs)}`,
    ],
    [
      "settled",
      settledAtMs === null ? `by ${secondText(windowEndsAtMs)} UTC` : `${secondText(settledAtMs)} UTC`,
    ],
    root !== null && ["part of", <a href={sessionPath(root)}>{root}</a>],
    parts.length > 0 && ["parts", parts.map((id) => <a href={sessionPath(id)}>{id} </a>)],
  ];
  return facts.filter((fact) => fact !== false);
}

function Signals({ session }: { readonly session: SessionDetail }) {
  const { signals } = session;
  if (signals.length === 0) return <p class="quiet">No signal was recorded.</p>;
  return (
    <Scroll label="Signals">
      <table>
        <thead>
          <tr>
            <th scope="col">signal</th>
            <th scope="col">value</th>
            <th scope="col" class="text">
              kind
            </th>
            <th scope="col" class="text">
              source
            </th>
            <th scope="col">accepted (UTC)</th>
          </tr>
        </thead>
        <tbody>
          {signals.map(({ name, value, kind, source, acceptedAtMs, isLate }) => (
            <tr>
              <th scope="row">{name}</th>
              <td>{quantity(value, { name, kind: "real" })}</td>
              <td class="text">{kind ?? "metric"}</td>
              <td class="text">{source ?? ""}</td>
              <td>
                {secondText(acceptedAtMs)} {isLate ? <Badge tone="warn">late</Badge> : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** One session in full. */
export function SessionPageView({
  request,
  session,
}: {
  readonly request: Request;
  readonly session: SessionDetail;
}) {
  const { text, tone } = stateOf(session);
  return (
    <Page
      request={request}
      title={`Session ${session.id}`}
      crumbs={[
        { name: "Overview", href: "/" },
        { name: "Sessions", href: "/sessions" },
      ]}
    >
      <Head title={<span class="mono">{session.id}</span>} badge={<Badge tone={tone}>{text}</Badge>} />
      <div class="stack">
        <div class="grid">
          <Card title="Session">
            <Facts facts={sessionFacts(session)} />
          </Card>
          <Card title="Config" note={session.configLabel ?? session.config}>
            <pre class="code" tabindex={0}>
              {JSON.stringify(session.configBody, null, 2)}
            </pre>
          </Card>
        </div>
        <Card title="Signals">
          <Signals session={session} />
        </Card>
        {session.context === null ? null : (
          <Card title="Context">
            <pre class="code" tabindex={0}>
              {JSON.stringify(session.context, null, 2)}
            </pre>
          </Card>
        )}
      </div>
    </Page>
  );
}
