/**
 * Tools for studies: comparisons that nobody randomised. They promote nothing; what they suggest is a question for
 * `challenge`.
 */
import { z } from "zod";
import { percent } from "../../core/words/numbers.js";
import {
  cautionText,
  differenceText,
  leftOutText,
  OBSERVATIONAL_TEXT,
  placedText,
  rulesText,
  sameTimeText,
} from "../../engine/words/study.js";
import { fraction, jsonObject, projectInput } from "./shapes.js";
import { type AnyTool, tool } from "./tool.js";

const nameInput = z.string().min(1).describe("the study's name");
const marks = z.object({ champion: z.array(z.string()).min(1), challenger: z.array(z.string()).min(1) });

const studyShape = z.object({
  project: z.string(),
  study: z.string(),
  kind: z.literal("observational"),
  status: z.enum(["running", "concluded"]),
  armsBy: z.array(z.string()).describe("how sessions are put into arms, the strongest rule first"),
});

const listStudies = tool({
  name: "list_studies",
  title: "List studies",
  description:
    "The studies of a project: observational comparisons of sessions outside of experiments, which decide nothing.",
  effect: "reads",
  input: z.object({ project: projectInput }),
  output: z.object({ studies: z.array(studyShape) }),
  async run({ engine }, { project }) {
    const all = await engine.studies.list(project);
    const studies = all.map(({ study, kind, status, rules }) => {
      return { project, study, kind, status, armsBy: [...rulesText(rules)] };
    });
    const lines = studies.map(
      ({ study, status, armsBy }) => `${study} (${status}): by ${armsBy.join("; else ")}`,
    );
    return { facts: { studies }, text: lines.join("\n") || `Project ${project} has no study.` };
  },
});

const createStudy = tool({
  name: "create_study",
  title: "Create a study",
  description:
    "Compares sessions that were recorded outside of experiments, by a field of their context, their config, their git commit or tags. Observational: it changes nothing that is served, and never promotes.",
  effect: "writes",
  input: z.object({
    project: projectInput,
    name: nameInput,
    hypothesis: z.string().optional().describe("what is expected, and why"),
    field: marks
      .extend({ name: z.string() })
      .optional()
      .describe("a field of the context, and each arm's values"),
    config: marks.optional().describe("each arm's configs, by label or hash"),
    git: z
      .object({ champion: z.string(), challenger: z.string() })
      .optional()
      .describe("a revision for each arm; git is asked by 'dethrone study report' in the repository"),
  }),
  output: studyShape,
  async run({ engine, actor }, { project, name, ...input }) {
    const { study, kind, status, rules } = await engine.studies.create(project, name, { ...input, actor });
    const armsBy = [...rulesText(rules)];
    return {
      facts: { project, study, kind, status, armsBy },
      text: `Study ${study} of ${project}: arms by ${armsBy.join("; else ")}.`,
    };
  },
});

const armShape = z.object({ role: z.string(), units: z.number(), mean: fraction.nullable() });

const studyReport = tool({
  name: "study_report",
  title: "Report a study",
  description:
    "What a study has found: both arms, the difference, and what may be wrong with it. Observational: say so when you pass it on. Git is asked by the command line alone.",
  effect: "reads",
  input: z.object({ project: projectInput, name: nameInput }),
  output: studyShape.omit({ armsBy: true }).extend({
    arms: z.array(armShape),
    difference: z.string().describe("mean score, challenger less champion, with its 95 % interval"),
    sameTime: z
      .string()
      .describe("the same among sessions of the same time, and how much of the comparison that is"),
    placed: z.string(),
    leftOut: z.string(),
    cautions: z.array(z.string()),
    challenger: jsonObject.nullable().describe("a config to challenge with, to find out"),
  }),
  async run({ engine }, { project, name }) {
    const report = await engine.studies.report(project, name);
    const { study, kind, status, challenger } = report;
    const arms = report.arms.map(({ role, count: units, mean }) => ({ role, units, mean }));
    const facts = {
      ...{ project, study, kind, status, arms },
      difference: differenceText(report.difference, report.differenceInterval),
      sameTime: sameTimeText(report),
      placed: placedText(report),
      leftOut: leftOutText(report),
      cautions: report.cautions.map(cautionText),
      challenger: challenger && { ...challenger.body },
    };
    const text = [
      OBSERVATIONAL_TEXT,
      ...arms.map(
        ({ role, units, mean }) => `${role}: ${mean === null ? "-" : percent(mean)} of ${units} units`,
      ),
      `difference ${facts.difference}; of the same time ${facts.sameTime}`,
      `put into arms: ${facts.placed}; left out: ${facts.leftOut}`,
      ...facts.cautions,
    ];
    return { facts, text: text.join("\n") };
  },
});

const tagSession = tool({
  name: "tag_session",
  title: "Tag a session",
  description:
    "Gives a session outside of experiments an arm of a study by hand, which beats all rules. The same tag again changes nothing; another one is refused, and the first stays.",
  effect: "writes-once",
  input: z.object({
    session: z.string().min(1).describe("the session's id"),
    study: nameInput,
    arm: z.enum(["champion", "challenger", "excluded"]),
  }),
  output: z.object({ session: z.string(), study: z.string(), status: z.enum(["recorded", "duplicate"]) }),
  async run({ engine, actor }, { session, study, arm }) {
    const { status } = await engine.tag(session, { study, arm, actor });
    return {
      facts: { session, study, status },
      text: `Session ${session} in study ${study}: ${arm}, ${status}.`,
    };
  },
});

/** The tools for studies. */
export const STUDYING: readonly AnyTool[] = [listStudies, studyReport, createStudy, tagSession];
