/**
 * Writes docs/reference/*.md: one page an entry point of the package, out of the docstrings.
 *
 * `npm run reference` after a change of exports or docstrings; with `--check` it writes nothing, and fails where a page is not
 * of the sources any more.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Application, LogLevel, ReflectionKind } from "typedoc";

const isCheck = process.argv.includes("--check");
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Entry points by the name of their page: source file, and what is imported. */
const ENTRIES = {
  index: ["src/index.ts", "dethrone"],
  core: ["src/core/index.ts", "dethrone/core"],
  client: ["src/client/index.ts", "dethrone/client"],
  server: ["src/server/index.ts", "dethrone/server"],
  testing: ["src/testing.ts", "dethrone/testing"],
  "ai-sdk": ["src/integrations/ai-sdk/index.ts", "dethrone/ai-sdk"],
  "openai-agents": ["src/integrations/openai-agents/index.ts", "dethrone/openai-agents"],
  langgraph: ["src/integrations/langgraph/index.ts", "dethrone/langgraph"],
  openfeature: ["src/integrations/openfeature/index.ts", "dethrone/openfeature"],
  otel: ["src/integrations/otel/index.ts", "dethrone/otel"],
  judges: ["src/integrations/judges/index.ts", "dethrone/judges"],
  mcp: ["src/integrations/mcp/index.ts", "dethrone/mcp"],
};

/** A module's name, as typedoc makes it of its file. */
const moduleOf = (file) => file.replace(/(\/index)?\.ts$/, "");

const PAGES = Object.fromEntries(Object.entries(ENTRIES).map(([name, [file]]) => [moduleOf(file), name]));

const SECTIONS = [
  ["Functions", ReflectionKind.Function],
  ["Classes", ReflectionKind.Class],
  ["Constants", ReflectionKind.Variable],
  ["Types", ReflectionKind.Interface | ReflectionKind.TypeAlias],
];

/** Text of a comment's parts, links as code. */
const textOf = (parts = []) =>
  parts
    .map((part) => (part.kind === "inline-tag" ? `\`${part.text}\`` : part.text))
    .join("")
    .trim();

const summaryOf = (comment) => textOf(comment?.summary);

/** One line, fit for a cell of a table or an item of a list. */
const inLine = (text) => text.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|");

const firstSentence = (text) => /^[\s\S]*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;

/** A type as it is written, cut short where it fills the page. */
function typeText(type, limit = 160) {
  const text = String(type ?? "unknown").replace(/\s+/g, " ");
  return text.length > limit ? `${text.slice(0, limit - 2)} …` : text;
}

const code = (text) => `\`${text.replaceAll("`", "'")}\``;

function parameterText({ name, type, flags, defaultValue }) {
  const isOptional = flags.isOptional || defaultValue !== undefined;
  return `${flags.isRest ? "..." : ""}${name === "__namedParameters" ? "input" : name}${isOptional ? "?" : ""}: ${typeText(type, 90)}`;
}

function signatureText(signature, name = signature.name) {
  const generics = (signature.typeParameters ?? []).map((parameter) => parameter.name).join(", ");
  const parameters = (signature.parameters ?? []).map(parameterText).join(", ");
  return `${name}${generics && `<${generics}>`}(${parameters}): ${typeText(signature.type)}`;
}

/** What follows a signature: parameters that have a word said of them, results, errors, examples. */
function details({ comment, parameters = [] }) {
  const tags = comment?.blockTags ?? [];
  const items = [];
  for (const { name, comment: said } of parameters)
    if (summaryOf(said))
      items.push(`- ${code(name === "__namedParameters" ? "input" : name)}: ${inLine(summaryOf(said))}`);
  for (const { tag, name, content } of tags) {
    const text = inLine(textOf(content));
    if (tag === "@param") items.push(`- ${code(name ?? "")}: ${text}`);
    if (tag === "@returns") items.push(`- returns ${text}`);
    if (tag === "@throws") items.push(`- throws ${text}`);
  }
  const examples = tags
    .filter(({ tag }) => tag === "@example")
    .map(({ content }) =>
      textOf(content)
        .replace(/^```\w*$/gm, "")
        .trim(),
    )
    .map((example) => `\`\`\`ts\n${example}\n\`\`\``);
  return [items.join("\n"), ...examples].filter((part) => part !== "");
}

function functionParts(reflection) {
  return reflection.signatures.flatMap((signature, index) => [
    code(signatureText(signature)),
    index === 0 || summaryOf(signature.comment) !== summaryOf(reflection.signatures[0].comment)
      ? summaryOf(signature.comment)
      : "",
    ...details(signature),
  ]);
}

const isPublic = ({ flags, name, inheritedFrom, kind }) =>
  !(flags.isPrivate || flags.isProtected || name.startsWith("[") || name.startsWith("#")) &&
  !(inheritedFrom && kind === ReflectionKind.Method && flags.isExternal);

/** A member as a row: name, type, meaning. */
function memberRow(member) {
  const signature = member.signatures?.[0] ?? member.getSignature;
  const isMethod = member.signatures !== undefined;
  const said = summaryOf(member.comment) || summaryOf(signature?.comment);
  const thrown = (signature?.comment?.blockTags ?? [])
    .filter(({ tag }) => tag === "@throws")
    .map(({ content }) => `Throws ${inLine(textOf(content))}.`);
  const name = isMethod
    ? signatureText(signature, member.name)
    : `${member.name}${member.flags.isOptional ? "?" : ""}: ${typeText(signature?.type ?? member.type)}`;
  return `- ${code(name)}${said ? `: ${inLine(said)}` : ""}${thrown.length ? ` ${thrown.join(" ")}` : ""}`;
}

function membersOf(reflection) {
  const shape = reflection.children ?? reflection.type?.declaration?.children ?? [];
  return shape
    .filter(isPublic)
    .filter(
      (member) =>
        member.kind !== ReflectionKind.Constructor && !(member.flags.isExternal && member.inheritedFrom),
    )
    .map(memberRow)
    .join("\n");
}

function shapeParts(reflection) {
  const heirOf = (reflection.extendedTypes ?? []).map((type) => code(typeText(type))).join(", ");
  const own = membersOf(reflection);
  const isAlias = reflection.kind === ReflectionKind.TypeAlias && own === "";
  const call = reflection.signatures ?? reflection.type?.declaration?.signatures ?? [];
  return [
    summaryOf(reflection.comment),
    heirOf && `Extends ${heirOf}.`,
    isAlias
      ? code(
          call.length > 0
            ? signatureText(call[0], reflection.name)
            : `${reflection.name} = ${typeText(reflection.type, 400)}`,
        )
      : "",
    own,
    ...details(reflection),
  ];
}

function constantParts(reflection) {
  return [
    code(`${reflection.name}: ${typeText(reflection.type)}`),
    summaryOf(reflection.comment),
    ...details(reflection),
  ];
}

function partsOf(reflection) {
  if (reflection.kind === ReflectionKind.Function) return functionParts(reflection);
  return reflection.kind === ReflectionKind.Variable ? constantParts(reflection) : shapeParts(reflection);
}

/** The page of an entry point. */
function page(module, specifier) {
  const named = module.children.filter(({ kind }) => kind !== ReflectionKind.Reference);
  const elsewhere = module.children.filter(({ kind }) => kind === ReflectionKind.Reference);
  const sections = SECTIONS.map(([heading, kinds]) => [heading, named.filter(({ kind }) => kind & kinds)])
    .filter(([, members]) => members.length > 0)
    .flatMap(([heading, members]) => [
      `## ${heading}`,
      ...members
        .sort((a, b) => a.name.localeCompare(b.name, "en"))
        .flatMap((member) => [`### ${member.name}`, ...partsOf(member)]),
    ]);
  const again = elsewhere.map((reference) => {
    const target = reference.getTargetReflectionDeep();
    const home = PAGES[target.parent.name];
    return `- [${code(reference.name)}](${home}.md#${reference.name.toLowerCase()}): ${inLine(firstSentence(summaryOf(target.comment ?? target.signatures?.[0]?.comment)))}`;
  });
  return `${[
    `# \`${specifier}\``,
    "<!-- Written by `npm run reference` out of the docstrings; not edited by hand. -->",
    summaryOf(module.comment),
    ...sections,
    ...(again.length > 0
      ? ["## Also exported, and described at another entry point", again.sort().join("\n")]
      : []),
  ]
    .filter((part) => part)
    .join("\n\n")}\n`;
}

const application = await Application.bootstrap({
  tsconfig: `${root}tsconfig.build.json`,
  basePath: root,
  entryPoints: Object.values(ENTRIES).map(([file]) => `${root}${file}`),
  excludePrivate: true,
  excludeProtected: true,
  disableSources: true,
  skipErrorChecking: true,
  logLevel: LogLevel.Error,
});
const project = await application.convert();
if (project === undefined) throw new Error("The sources do not convert.");
for (const [name, [file, specifier]] of Object.entries(ENTRIES)) {
  const text = page(project.getChildByName(moduleOf(file)), specifier);
  const path = `docs/reference/${name}.md`;
  if (!isCheck) writeFileSync(`${root}${path}`, text);
  else if (readFileSync(`${root}${path}`, "utf8") !== text) {
    console.error(`${path} is not of the sources: npm run reference`);
    process.exitCode = 1;
  }
}
