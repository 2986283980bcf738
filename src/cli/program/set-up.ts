/**
 * Commands that make a database, projects and their labels, and that show how it all works.
 */
import type { Command } from "commander";
import { configs, diff, label } from "../commands/configs.js";
import type { ReasonFlags } from "../commands/context.js";
import type { DemoFlags } from "../commands/demo.js";
import { init, migrate } from "../commands/init.js";
import {
  type CreateFlags,
  createProject,
  type ExperimentFilterFlags,
  type ShowFlags,
  showProject,
  status,
} from "../commands/projects.js";
import { addAllowSecret, addReason, collect, contextOf } from "./context.js";

/** `demo`, `init`, `migrate` */
export function addSetUp(program: Command): void {
  program
    .command("demo")
    .description("watch a real agent's challenger dethrone its champion, offline")
    .option("--swap", "make the worse strategy the challenger")
    .option("--seed <seed>", "whole number that fixes the games", "1")
    .action(async (flags: DemoFlags, command: Command) => {
      const context = await contextOf(command);
      const { demo } = await import("../commands/demo.js");
      await demo(context.output, context.flagUrl, flags);
    });
  program
    .command("init")
    .description("make the database and a commented dethrone.config.ts")
    .action(async (_flags: object, command: Command) => init(await contextOf(command)));
  program
    .command("migrate")
    .description("bring the database to this version's schema")
    .action(async (_flags: object, command: Command) => migrate(await contextOf(command)));
}

/** The flags that choose experiments. */
export function addFilter(command: Command): Command {
  return command
    .option("--owner <name>", "only experiments of this owner")
    .option("--tag <tag>", "only experiments with this tag; repeatable", collect);
}

/** `project create`, `list`, `show`; `configs`, `diff`, `label` */
export function addProjects(program: Command): void {
  const project = program.command("project").description("create, list and show projects");
  const create = project
    .command("create <key>")
    .description("create a project with its first champion")
    .option("--champion <file>", "JSON file of the champion's config")
    .option("--set <key=value>", "set a field of the config; repeatable; @file takes a file's text", collect);
  addAllowSecret(create).action(
    async (key: string, { champion, ...flags }: CreateFlags & { champion?: string }, command: Command) =>
      createProject(await contextOf(command), key, { ...flags, ...(champion && { config: champion }) }),
  );
  addFilter(project.command("list"))
    .description("all projects and where they stand")
    .action(async (flags: ExperimentFilterFlags, command: Command) =>
      status(await contextOf(command), flags),
    );
  addFilter(project.command("show <key>"))
    .description("a project's champion and experiments")
    .option("--archived", "with those put away")
    .action(async (key: string, flags: ShowFlags, command: Command) =>
      showProject(await contextOf(command), key, flags),
    );
  addConfigs(program);
}

function addConfigs(program: Command): void {
  program
    .command("configs <project>")
    .description("every config: which came from which, who reigned when, by whom and why")
    .action(async (key: string, _flags: object, command: Command) => configs(await contextOf(command), key));
  program
    .command("diff <project> <before> <after>")
    .description("what differs between two configs: labels, hashes, champion or challenger")
    .action(async (key: string, before: string, after: string, _flags: object, command: Command) =>
      diff(await contextOf(command), key, before, after),
    );
  addReason(program.command("label <project> <config> <name>"))
    .description("name a config; 'none' takes its name away")
    .action(async (key: string, ref: string, name: string, flags: ReasonFlags, command: Command) =>
      label(await contextOf(command), key, ref, name, flags),
    );
}
