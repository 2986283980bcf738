/**
 * Commands that compare what nobody randomised.
 */
import type { Command } from "commander";
import type { ReasonFlags } from "../commands/context.js";
import {
  archiveStudy,
  createStudy,
  listStudies,
  type RepoFlags,
  reportStudy,
  type StudyFlags,
  showStudy,
  tag,
} from "../commands/studies.js";
import { addReason, collect, contextOf } from "./context.js";

const addRepo = (command: Command): Command =>
  command.option("--repo <folder>", "the git repository that a study by git asks (default: this folder)");

/** `study create`, `list`, `show`, `report`, `conclude`, `archive`; `tag` */
export function addStudies(program: Command): void {
  const study = program
    .command("study")
    .description("compare sessions that nobody randomised: observational, and never a promotion");
  study
    .command("create <project> <name>")
    .description(
      "compare sessions outside of experiments by a field, config, commit or tags; the strongest that says anything counts",
    )
    .option("--field <name=a..b>", "by a field of the sessions' context: plan=free..pro,team")
    .option("--config <a..b>", "by the config: labels or hashes, with commas between several")
    .option("--git <a..b>", "by the context's commit: branches, tags or commits, as in 'git log a..b'")
    .option(
      "--metric <name:direction>",
      "a number beside the score, e.g. tests_passed:higher; repeatable",
      collect,
    )
    .option("--since <time>", "only sessions from then on: 2026-11-01T00:00:00Z, or 30d ago as 30d")
    .option("--until <time>", "only sessions before")
    .option("--hypothesis <text>", "what is expected, and why")
    .action(async (project: string, name: string, flags: StudyFlags, command: Command) =>
      createStudy(await contextOf(command), project, name, flags),
    );
  study
    .command("list <project>")
    .description("the studies of a project")
    .option("--archived", "with those put away")
    .action(async (project: string, flags: { archived?: boolean }, command: Command) =>
      listStudies(await contextOf(command), project, flags),
    );
  study
    .command("show <project> <name>")
    .description("how a study puts sessions into arms")
    .action(async (project: string, name: string, _flags: object, command: Command) =>
      showStudy(await contextOf(command), project, name),
    );
  addRepo(study.command("report <project> <name>"))
    .description("what a study has found")
    .action(async (project: string, name: string, flags: RepoFlags, command: Command) =>
      reportStudy(await contextOf(command), project, name, flags),
    );
  addRepo(addReason(study.command("conclude <project> <name>")))
    .description("end a study: what it has found stays as it is")
    .action(async (project: string, name: string, flags: RepoFlags & ReasonFlags, command: Command) =>
      reportStudy(await contextOf(command), project, name, flags),
    );
  addReason(study.command("archive <project> <name>"))
    .description("put a concluded study away")
    .action(async (project: string, name: string, flags: ReasonFlags, command: Command) =>
      archiveStudy(await contextOf(command), project, name, flags),
    );
  program
    .command("tag <session> <study> <arm>")
    .description("give a session an arm of a study by hand: champion, challenger or excluded")
    .action(async (session: string, name: string, arm: string, _flags: object, command: Command) =>
      tag(await contextOf(command), session, name, arm),
    );
}
