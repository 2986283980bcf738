/**
 * What a person decides by hand: a page that says what it does and asks for the reason, and the deed itself.
 */
import { explain } from "../../core/decision/explain.js";
import { DethroneError } from "../../core/errors.js";
import { plural } from "../../core/words/numbers.js";
import type { ConfigEntry } from "../../engine/configs/lineage.js";
import type { Engine } from "../../engine/engine.js";
import type { ExperimentReport } from "../../engine/experiments/report.js";
import type { Project } from "../../engine/project.js";
import { type Action, actionsOf, rulingOf } from "./experiment-view.js";
import { type Crumb, Page, ProofField, type Request } from "./layout.js";
import { configName, contestName, experimentPath, projectPath } from "./names.js";
import { Head, unbroken } from "./parts.js";

/** What came with a form. */
export interface Deed {
  readonly reason: string;
  readonly actor: string;
  /** place of the challenger that is meant, where there are several */
  readonly challenger?: string | undefined;
}

interface ActionText {
  readonly title: string;
  readonly does: (report: ExperimentReport) => string;
  readonly button: string;
  readonly isDangerous?: boolean;
}

const nameOfLeader = ({ challenger }: ExperimentReport): string => configName(challenger);

const TEXTS: Record<Action, ActionText> = {
  start: {
    title: "Start this draft?",
    does: () =>
      "It takes the project's slot, and its challengers get their shares of the sessions from now on.",
    button: "Start",
  },
  pause: {
    title: "Pause this experiment?",
    does: () =>
      "Everyone gets the champion until it is resumed. Sessions settle, but nothing folds or decides.",
    button: "Pause",
  },
  resume: {
    title: "Resume this experiment?",
    does: () => "Sessions are shared out again, and it goes on from the evidence it has.",
    button: "Resume",
  },
  approve: {
    title: "Approve the promotion?",
    does: (report) => `${nameOfLeader(report)} becomes the champion, and all sessions get it.`,
    button: "Approve",
  },
  decline: {
    title: "Decline the promotion?",
    does: (report) => `The experiment ends, and ${configName(report.champion)} stays champion.`,
    button: "Decline",
  },
  promote: {
    title: "Promote without proof?",
    does: (report) =>
      `The challenger becomes the champion after ${plural(report.evaluation.sessionCount, "session")}, whatever the evidence. The ledger counts it as a promotion that no test vouches for.`,
    button: "Promote",
    isDangerous: true,
  },
  abort: {
    title: "Abort this experiment?",
    does: (report) =>
      report.status === "draft"
        ? "The draft is discarded."
        : `It ends for good, and ${configName(report.champion)} stays champion. What was collected can be read, and never goes on.`,
    button: "Abort",
    isDangerous: true,
  },
  drop: {
    title: "Drop a challenger?",
    does: () => "Its share of the sessions returns to the champion; the others go on as they were.",
    button: "Drop",
    isDangerous: true,
  },
  archive: {
    title: "Archive this experiment?",
    does: () => "It is put away: lists leave it out unless they are asked for it. Nothing is deleted.",
    button: "Archive",
  },
};

const NAMES: readonly string[] = Object.keys(TEXTS);

/** Whether something of this name can be done. */
export const isAction = (name: string): name is Action => NAMES.includes(name);

/** The challengers a person has to choose from; empty where there is no choice. */
function choicesOf(report: ExperimentReport, action: Action) {
  const within = report.challengers.filter(({ out }) => out === null);
  return action === "drop" || (action === "promote" && within.length > 1) ? within : [];
}

interface FormProps {
  readonly request: Request;
  readonly action: string;
  readonly button: string;
  readonly isDangerous: boolean;
  readonly back: string;
  readonly choices: readonly { readonly value: string; readonly name: string }[];
  readonly choiceLabel: string;
  /** what was wrong with the form before */
  readonly problem: string | null;
  readonly reason: string;
}

function ReasonForm(props: FormProps) {
  return (
    <form class="form" method="post" action={props.action}>
      <ProofField visitor={props.request.visitor} />
      {props.problem === null ? null : (
        <p class="notice tone-bad" role="alert">
          {props.problem}
        </p>
      )}
      {props.choices.length === 0 ? null : (
        <label class="field">
          <span>{props.choiceLabel}</span>
          <select name="choice" required>
            {props.choices.map(({ value, name }) => (
              <option value={value}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <label class="field">
        <span>Reason, for the audit log</span>
        <textarea name="reason" required maxlength={2000}>
          {props.reason}
        </textarea>
      </label>
      <div class="buttons">
        <button class={`button ${props.isDangerous ? "danger" : "primary"}`} type="submit">
          {props.button}
        </button>
        <a class="button" href={props.back}>
          Cancel
        </a>
      </div>
    </form>
  );
}

interface ConfirmProps {
  readonly request: Request;
  readonly problem?: string | null;
  readonly reason?: string;
}

function ConfirmPage(props: {
  readonly request: Request;
  readonly title: string;
  readonly note: string;
  readonly does: string;
  /** where it stands, for who has to decide */
  readonly standing?: readonly string[];
  readonly crumbs: readonly Crumb[];
  readonly form: Omit<FormProps, "request">;
}) {
  return (
    <Page request={props.request} title={props.title} crumbs={props.crumbs} isStill>
      <div class="narrow-page">
        <Head title={props.title} note={props.note} />
        <section class="card stack">
          <p>{props.does}</p>
          {props.standing?.map((sentence) => (
            <p class="quiet small">{unbroken(sentence)}</p>
          ))}
          <ReasonForm request={props.request} {...props.form} />
        </section>
      </div>
    </Page>
  );
}

/** The page that asks for the reason of what is to be done to an experiment. */
export function ActionPage({
  request,
  report,
  action,
  problem = null,
  reason = "",
}: ConfirmProps & { readonly report: ExperimentReport; readonly action: Action }) {
  const { title, does, button, isDangerous = false } = TEXTS[action];
  const { project, experiment, champion, challengers } = report;
  const back = experimentPath(project, experiment);
  const contest = contestName(champion, challengers);
  return (
    <ConfirmPage
      request={request}
      title={title}
      note={contest}
      does={does(report)}
      standing={
        report.evaluation.sessionCount === 0
          ? []
          : explain({ ruling: rulingOf(report), evaluation: report.evaluation, policy: report.policy })
      }
      crumbs={[
        { name: "Overview", href: "/" },
        { name: project, href: projectPath(project) },
        { name: contest, href: back },
      ]}
      form={{
        action: `${back}/${action}`,
        button,
        isDangerous,
        back,
        problem,
        reason,
        choiceLabel: "Challenger",
        choices: choicesOf(report, action).map((each) => ({
          value: String(each.place),
          name: configName(each),
        })),
      }}
    />
  );
}

/** The page that asks which former champion is to return, and why. */
export function RollbackPage({
  request,
  project,
  configs,
  problem = null,
  reason = "",
}: ConfirmProps & { readonly project: string; readonly configs: readonly ConfigEntry[] }) {
  const former = configs.filter(({ role }) => role === "former champion");
  const back = projectPath(project);
  return (
    <ConfirmPage
      request={request}
      title="Roll back?"
      note={project}
      does="A former champion becomes the champion again. An experiment in progress is aborted, for it contends against a champion that is no more."
      crumbs={[
        { name: "Overview", href: "/" },
        { name: project, href: back },
      ]}
      form={{
        action: `${back}/rollback`,
        button: "Roll back",
        isDangerous: true,
        back,
        problem,
        reason,
        choiceLabel: "Return to",
        choices: [
          { value: "", name: "the champion before" },
          ...former.map((config) => ({ value: config.hash, name: configName(config) })),
        ],
      }}
    />
  );
}

/** Verbs that act on whatever is in the slot: it must be what the person saw. */
const OF_SLOT = {
  pause: (project: Project, deed: Deed) => project.pause(deed),
  resume: (project: Project, deed: Deed) => project.resume(deed),
  drop: (project: Project, { challenger, ...deed }: Deed) => project.drop({ ...deed, challenger }),
} as const;

/**
 * Does it.
 *
 * @throws DethroneError `transition_illegal` where the experiment does not stand as it did when the page was shown, and
 *   what the verb itself throws
 */
export async function act(
  engine: Engine,
  report: ExperimentReport,
  action: Action,
  deed: Deed,
): Promise<void> {
  const { project: key, experiment, status } = report;
  if (!actionsOf(report).includes(action)) {
    throw new DethroneError(
      "transition_illegal",
      `This experiment is ${status}: to ${action} it is not possible now.`,
      {
        experiment,
        status,
      },
    );
  }
  const project = await engine.project(key);
  if (action === "start") return void (await project.start(experiment, deed));
  if (action === "archive") return project.archive(experiment, deed);
  if (action === "pause" || action === "resume" || action === "drop") return OF_SLOT[action](project, deed);
  return project[action]({ ...deed, experiment });
}
