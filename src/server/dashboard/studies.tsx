/**
 * Studies: on the page of their project, and each on its own.
 */
import type { StudyReport, StudySummary } from "../../engine/studies/studies.js";
import { rulesText } from "../../engine/words/study.js";
import { minuteText } from "../time-text.js";
import { Page, type Request } from "./layout.js";
import { projectPath } from "./names.js";
import { ObservedCard } from "./observed.js";
import { Badge, Card, type Fact, Facts, Head } from "./parts.js";

const studyPath = (project: string, study: string): string =>
  `${projectPath(project)}/studies/${encodeURIComponent(study)}`;

/** The studies of a project; nothing where there is none. */
export function Studies({ studies }: { readonly studies: readonly StudySummary[] }) {
  if (studies.length === 0) return null;
  return (
    <Card title="Studies" note="Comparisons of sessions nobody randomised. They decide nothing.">
      <ul>
        {studies.map(({ project, study, status, rules }) => (
          <li>
            <a href={studyPath(project, study)}>{study}</a> <Badge tone="neutral">{status}</Badge>{" "}
            <span class="quiet">by {rulesText(rules).join("; else ")}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function setUpFacts({ hypothesis, rules, sinceMs, untilMs, git, atMs }: StudyReport): readonly Fact[] {
  const facts: (Fact | false)[] = [
    hypothesis !== null && ["hypothesis", hypothesis],
    ["arms by", rulesText(rules).join("; else ")],
    sinceMs !== null && ["sessions since", minuteText(sinceMs)],
    untilMs !== null && ["sessions until", minuteText(untilMs)],
    git?.problem != null && ["git", git.problem],
    ["found", minuteText(atMs)],
  ];
  return facts.filter((fact) => fact !== false);
}

/** The page of a study. */
export function StudyPage({ request, report }: { readonly request: Request; readonly report: StudyReport }) {
  const { project, study, status } = report;
  const crumbs = [
    { name: "Overview", href: "/" },
    { name: project, href: projectPath(project) },
  ];
  return (
    <Page request={request} title={study} crumbs={crumbs}>
      <Head title={`Study ${study}`} badge={<Badge tone="neutral">observational, {status}</Badge>} />
      <div class="stack">
        <ObservedCard title={study} numbers={report} />
        <Card title="Set-up">
          <Facts facts={setUpFacts(report)} />
        </Card>
      </div>
    </Page>
  );
}
