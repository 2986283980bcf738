/**
 * Writes docs/reference/command-line.md out of the command tree itself, and errors.md out of the codes; `--print` prints
 * them instead.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { group } from "d3-array";
import { EXAMPLES } from "../dist/cli/program/examples.js";
import { createProgram } from "../dist/cli/program.js";
import { DethroneError, ERROR_CODES } from "../dist/core/errors.js";
import { statusOf } from "../dist/server/failure.js";

const cell = (text) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function optionRow({ flags, description, mandatory, defaultValue, argChoices }) {
  const extras = [
    ...(mandatory ? ["required"] : []),
    ...(argChoices ? [argChoices.join(", ")] : []),
    // Flags without a value are off, and `--no-x` is on, by default: that goes without saying.
    ...(defaultValue === undefined || typeof defaultValue === "boolean" ? [] : [`default: ${defaultValue}`]),
  ];
  return `| \`${flags.replaceAll("|", "\\|")}\` | ${cell(description)}${extras.length > 0 ? ` (${extras.join("; ")})` : ""} |`;
}

function optionTables(command) {
  const groups = group(command.options, (option) => option.helpGroupHeading);
  return [...groups].flatMap(([heading, options]) => [
    ...(heading === undefined ? [] : [heading]),
    ["| option | does |", "| --- | --- |", ...options.map(optionRow)].join("\n"),
  ]);
}

function commandParts(command, path) {
  const examples = EXAMPLES[path];
  const usage = [
    "dethrone",
    path,
    ...command.registeredArguments.map(({ required, _name }) => (required ? `<${_name}>` : `[${_name}]`)),
  ];
  const sentence = command.description();
  const meant = command.registeredArguments.filter(({ description }) => description);
  return [
    `### ${path}`,
    `\`${usage.join(" ")}\``,
    `${sentence[0].toUpperCase()}${sentence.slice(1)}.`,
    ...(meant.length > 0
      ? [meant.map(({ _name, description }) => `- \`${_name}\`: ${description}`).join("\n")]
      : []),
    ...optionTables(command),
    ...(examples ? [`\`\`\`sh\n${examples.map((each) => `npx ${each}`).join("\n")}\n\`\`\``] : []),
  ];
}

/** A command, or, of one that only groups others, those. */
const leaves = (command, parents = []) => {
  const path = [...parents, command.name()];
  return command.commands.length > 0
    ? command.commands.flatMap((child) => leaves(child, path))
    : [[command, path.join(" ")]];
};

const program = createProgram(() => undefined);
const headings = [...new Set(program.commands.map((command) => command.helpGroup()))];
const page = [
  "# The command line",
  "<!-- Written by `npm run reference` out of the command tree; not edited by hand. -->",
  "`npx dethrone <command>`; `npx dethrone help <command>` says the same. Every command takes",
  ["| option | does |", "| --- | --- |", ...program.options.map(optionRow)].join("\n"),
  "Exit codes: 0 done, 2 invalid input, 3 not found, 4 conflict, 5 not permitted, 6 unavailable (try again), 70 internal. With `--json` a failure is `{ error: { code, kind, message, details } }` on standard output.",
  ...headings.flatMap((heading) => [
    `## ${heading.replace(/:$/, "")}`,
    ...program.commands
      .filter((command) => command.helpGroup() === heading)
      .flatMap((command) => leaves(command))
      .flatMap(([command, path]) => commandParts(command, path)),
  ]),
];

/** Whether it makes sense to try again, by kind. */
const AGAIN = { throttled: "yes", unavailable: "yes", conflict: "after a look" };

function errorRow(code) {
  const error = new DethroneError(code, "");
  return `| \`${code}\` | ${error.kind} | ${statusOf(error)} | ${error.exitCode} | ${AGAIN[error.kind] ?? "no"} |`;
}

const errors = [
  "# Error codes",
  "<!-- Written by `npm run reference`; not edited by hand. -->",
  "Every failure is a `DethroneError`: branch on `code`, print `message`, never parse it; `details` holds what was received and what is allowed. The HTTP API answers problem documents (RFC 9457) with the same `code`. Codes are only ever added.",
  [
    "| code | kind | HTTP | exit | try again? |",
    "| --- | --- | --- | --- | --- |",
    ...ERROR_CODES.map(errorRow),
  ].join("\n"),
];

for (const [name, parts] of Object.entries({ "command-line": page, errors })) {
  const text = `${parts.join("\n\n")}\n`;
  if (process.argv.includes("--print")) process.stdout.write(text);
  else writeFileSync(fileURLToPath(new URL(`../docs/reference/${name}.md`, import.meta.url)), text);
}
