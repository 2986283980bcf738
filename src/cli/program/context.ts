/**
 * What a command of the tree becomes: the context it runs in, and the flags that several commands share.
 */
import { type Command, Option } from "commander";
import type { CommandContext } from "../commands/context.js";
import { CLI_ACTOR } from "../open.js";
import { Output } from "../output.js";
import { databaseUrl, invalidFlag, readFileSettings } from "../settings.js";

interface GlobalFlags {
  readonly db?: string;
  readonly json?: boolean;
  readonly actor?: string;
}

/** What every command gets, out of the flags that all of them take. */
export async function contextOf(
  command: Command,
): Promise<CommandContext & { readonly flagUrl: string | undefined }> {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const file = await readFileSettings(process.cwd());
  const output = new Output(flags.json ?? false);
  const actor = flags.actor ?? (process.env.DETHRONE_ACTOR || CLI_ACTOR);
  if (actor.trim() === "") invalidFlag("--actor", actor, "a name");
  return { url: databaseUrl(flags.db, file), file, output, actor, flagUrl: flags.db };
}

/** Collects what a flag that may be repeated is given. */
export const collect = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** The flag for what looks like a secret and is none. */
export function addAllowSecret(command: Command): Command {
  return command.option(
    "--allow-secret <path>",
    "dotted path of a field that looks like a secret and is none; repeatable",
    collect,
  );
}

/** What is done by hand takes a reason. */
export function addReason(command: Command): Command {
  return command.requiredOption("--reason <text>", "why, for the audit log");
}

/** The flags of what is judged, and how. */
export function addPolicy(command: Command): Command {
  return command
    .option("--policy <policy>", "calibrated, strict, threshold, JSON or @file.json")
    .option(
      "--metric <name:direction>",
      "a number beside the score, e.g. cost_usd:lower; kind: :binary, :count, :positive, :real (default: by its values); repeatable",
      collect,
    )
    .option(
      "--guardrail <name:margin>",
      "a metric that must not get worse, e.g. cost_usd:0.1 aborts at 10 % worse, cost_usd:-0.1:require promotes only at 10 % better; repeatable",
      collect,
    )
    .option("--min-uplift <uplift>", "the score must be better by more than this, e.g. -0.03 (default: 0)");
}

/** The flags of what people say of an experiment. */
function addDescription(command: Command): Command {
  return command
    .option("--hypothesis <text>", "what is expected, and why")
    .option("--description <text>", "whatever else is to be known")
    .option("--owner <name>", "whom to ask")
    .option("--tag <tag>", "a tag; repeatable", collect);
}

/** The flags of who takes part. */
function addAudience(command: Command): Command {
  return command
    .option(
      "--audience <json>",
      'who takes part, by the session\'s context: \'{"where":{"plan":{"$in":["pro","team"]}}}\', @file.json, or everyone',
    )
    .option("--where <field=value>", "short for a field of the audience's 'where'; repeatable", collect)
    .option(
      "--include-group <group>",
      "only sessions in this group, or in another one given; repeatable",
      collect,
    )
    .option("--exclude-group <group>", "no sessions in this group; repeatable", collect)
    .option("--exclusion-group <name>", "no unit takes part in two experiments of this name at once");
}

/** The flags of how much traffic the challengers get, and for how long. */
function addSize(command: Command, byDefault: (value: string) => string): Command {
  return command
    .option("--label <name>", "a name for a challenger, in their order; repeatable", collect)
    .option(
      "--share <share>",
      `the challengers' share: 0.01 to 0.99, which several divide; one each as in 0.1,0.2; ramp or adaptive${byDefault("0.2")}`,
    )
    .option("--horizon <sessions>", `planned sessions, all arms together${byDefault("2000")}`)
    .option("--detect <uplift>", "derive share and horizon: the uplift to be found, e.g. 0.1, with --within")
    .option("--within <duration>", "... and by when, e.g. 14d")
    .option(
      "--assign <rule>",
      "give arms by a rule instead of by chance, for no evidence: round-robin, JSON or @file.json; chance",
    )
    .option("--fdr <rate>", "level by e-LOND: part of all promotions that may be false, e.g. 0.1");
}

/** The flags of what a promotion waits for, and what follows it. */
function addPromotion(command: Command, byDefault: (value: string) => string): Command {
  return command
    .addOption(
      new Option("--promotion <how>", "whether a promotion waits for a person").choices(["auto", "approve"]),
    )
    .option(
      "--watch [share]",
      `after a promotion, keep this share on the old champion, which returns if it proves better${byDefault("0.05")}; off`,
    )
    .option("--watch-horizon <sessions>", `sessions until the watch ends${byDefault("1000")}`);
}

/**
 * The flags that plan a contest.
 *
 * @param isEdit what is left out stays as it is, instead of being taken by default
 */
export function addPlanning(command: Command, isEdit = false): Command {
  const byDefault = (value: string): string => (isEdit ? "" : ` (default: ${value})`);
  addSize(command.optionsGroup("How many sessions:"), byDefault);
  addPolicy(command.optionsGroup("What is judged, and how:"));
  addPromotion(command.optionsGroup("Promotion:"), byDefault);
  addAudience(command.optionsGroup("Who takes part:")).addOption(
    new Option("--hash-version <version>", `version of the assignment hash${byDefault("2")}`).choices([
      "1",
      "2",
    ]),
  );
  return addDescription(command.optionsGroup("What people say of it:"));
}
