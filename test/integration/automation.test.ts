/** The files of deploy/ and the commands of docs/AUTOMATION.md, run as they stand there against the built command line. */
import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createEngine } from "../../src/index.js";
import { createApp, listen } from "../../src/server/index.js";
import { temporaryFolder } from "../support/temporary.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** GitHub's command, as far as comments go: they are kept in a file, `--jq` is jq's. */
const GH = `#!/usr/bin/env bash
set -euo pipefail
[ "$1" = api ] || exit 9
shift
method=GET; query=.; body=; path=
while [ $# -gt 0 ]; do
  case "$1" in
    --method) method=$2; shift 2;;
    --jq) query=$2; shift 2;;
    --field) body=\${2#body=@}; shift 2;;
    --paginate) shift;;
    *) path=$1; shift;;
  esac
done
echo "$method $path" >> "$COMMENTS.log"
case "$method" in
  GET) jq -r "$query" "$COMMENTS";;
  POST) jq --rawfile body "$body" '. + [{id: (length + 1), body: $body}]' "$COMMENTS" > "$COMMENTS.new" && mv "$COMMENTS.new" "$COMMENTS";;
  PATCH) jq --rawfile body "$body" --arg id "\${path##*/}" 'map(if .id == ($id | tonumber) then .body = $body else . end)' "$COMMENTS" > "$COMMENTS.new" && mv "$COMMENTS.new" "$COMMENTS";;
esac
`;

/** Each command line of these scripts is a process of its own. */
const SLOW = { timeout: 240_000 };

/** Whether a program is not there that a script needs, as on a developer's machine. */
const lacks = (name: string): boolean => spawnSync("which", [name]).status !== 0;

let folder: string;
let env: NodeJS.ProcessEnv;

function command(name: string, text: string): void {
  const path = join(folder, "bin", name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

beforeEach(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  for (const name of ["bin", ".github", "agent", "lib"]) mkdirSync(join(folder, name));
  const main = join(root, "dist/cli/main.js");
  command("dethrone", `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
  // What npx does in a repository that has the package.
  command("npx", '#!/bin/sh\nexec "$@"\n');
  command("gh", GH);
  command("logger", "#!/bin/sh\nexec cat\n");
  copyFileSync(join(root, "deploy/github/dethrone-comment.sh"), join(folder, ".github/dethrone-comment.sh"));
  symlinkSync(root, join(folder, "node_modules", "dethrone"), "dir");
  writeFileSync(join(folder, "agent/config.json"), '{"prompt":"```brief```"}');
  writeFileSync(join(folder, "comments.json"), "[]");
  const url = `file:${join(folder, "lib/dethrone.db")}`;
  const engine = await createEngine({ url });
  await engine.project("support", { champion: { prompt: "thorough" } });
  await engine.close();
  env = {
    ...process.env,
    ...{ PATH: `${join(folder, "bin")}:${process.env.PATH}`, DETHRONE_DB: url, NO_COLOR: "1" },
    ...{ COMMENTS: join(folder, "comments.json"), GITHUB_REPOSITORY: "ada/bot" },
  };
});

interface Comment {
  readonly id: number;
  readonly body: string;
}

const comments = (): Comment[] => JSON.parse(readFileSync(join(folder, "comments.json"), "utf8"));
const asked = (): string[] => readFileSync(join(folder, "comments.json.log"), "utf8").trim().split("\n");
const shell = (script: string, more: NodeJS.ProcessEnv = {}) =>
  run("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: folder,
    env: { ...env, ...more },
  });

interface Job {
  readonly if: string;
  readonly steps: readonly { readonly name?: string; readonly run?: string }[];
}

interface Workflow {
  readonly env: Record<string, string>;
  readonly permissions: Record<string, string>;
  readonly jobs: Record<"propose" | "challenge" | "report", Job>;
}

describe.skipIf(lacks("jq"))("the workflow of GitHub", SLOW, () => {
  const workflow = parse(read("deploy/github/dethrone.yml")) as Workflow;
  const { PROJECT, CONFIG } = workflow.env;

  const job = (name: keyof Workflow["jobs"], NUMBER = "7") => {
    const script = workflow.jobs[name].steps.find((step) => step.name !== undefined)?.run ?? "exit 9";
    return shell(script, { PROJECT, CONFIG, NUMBER });
  };

  it("proposes, challenges and reports, with a comment for the proposal and one for the report", async () => {
    await job("report", "");
    expect(comments()).toEqual([]);

    await job("propose");
    await job("propose");
    expect(comments()).toEqual([{ id: 1, body: expect.stringContaining("Dry run for support") }]);
    // As code, whatever is in the config.
    expect(comments()[0]?.body).toMatch(/^ {4} {2}\+ "```brief```"$/m);

    await job("challenge");
    await job("challenge");
    const [, report] = comments();
    expect(report?.body).toMatch(/^<!-- dethrone-report support -->\n\*\*/);
    const { stdout } = await shell("dethrone project show support --json");
    expect(JSON.parse(stdout)).toMatchObject({
      experiments: [{ status: "running", challengers: [{ label: "pr-7" }] }],
    });

    await job("report", "");
    expect(comments()).toHaveLength(2);
    expect(asked().at(-1)).toBe("PATCH repos/ada/bot/issues/comments/2");
    expect(asked().filter((each) => each.startsWith("POST"))).toEqual([
      "POST repos/ada/bot/issues/7/comments",
      "POST repos/ada/bot/issues/7/comments",
    ]);
  });

  it("fails where the config is none, or the slot is taken, and comments nothing", async () => {
    writeFileSync(join(folder, "agent/config.json"), "[1]");
    await expect(job("propose")).rejects.toMatchObject({ code: 2 });
    writeFileSync(join(folder, "agent/config.json"), '{"prompt":"brief"}');
    await shell("dethrone challenge support --set prompt=other");
    await expect(job("challenge")).rejects.toMatchObject({ code: 4 });
    expect(comments()).toEqual([]);
  });

  it("lets nothing of a pull request into a script, runs no fork's code and may do little", () => {
    expect(workflow.permissions).toEqual({ contents: "read", "pull-requests": "write" });
    for (const [name, { if: condition, steps }] of Object.entries(workflow.jobs)) {
      for (const step of steps) expect(step.run ?? "").not.toContain("${{");
      expect(condition).toContain(
        name === "report"
          ? "github.event_name != 'pull_request'"
          : "head.repo.full_name == github.repository",
      );
    }
  });
});

describe("schedules", SLOW, () => {
  it.skipIf(lacks("flock"))("of cron run", async () => {
    const lines = read("deploy/dethrone.cron")
      .split("\n")
      .filter((line) => /^[\d*]/.test(line));
    expect(lines).toHaveLength(3);
    mkdirSync(join(folder, "lib/backups"));
    for (const line of lines) {
      const [, user, script = ""] = /^(?:\S+ ){5}(\S+) (.*)$/.exec(line) ?? [];
      expect(user).toBe("dethrone");
      await shell(script.replaceAll("\\%", "%").replaceAll("/var/lib/dethrone", join(folder, "lib")));
    }
    expect(readdirSync(join(folder, "lib/backups"))).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d\.db$/),
    ]);
  });

  it("of systemd run", async () => {
    const unit = read("deploy/dethrone-decide.service");
    const [, start = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    expect(start).toContain("dethrone decide");
    await shell("dethrone challenge support --set prompt=brief");
    expect(JSON.parse((await shell(start)).stdout)).toMatchObject({
      project: "support",
      verdict: "continue",
    });
    expect(read("deploy/dethrone-decide.timer")).toContain("WantedBy=timers.target");
  });

  it("of Kubernetes run, where their database is on a volume", async () => {
    const { spec, kind } = parse(read("deploy/kubernetes/cronjob.yaml"));
    const { containers, volumes } = spec.jobTemplate.spec.template.spec;
    const [{ args, env: variables, volumeMounts }] = containers;
    expect([kind, spec.concurrencyPolicy]).toEqual(["CronJob", "Forbid"]);
    const [{ name, value }] = variables;
    expect(name).toBe("DETHRONE_DB");
    const mount = volumeMounts.find(({ mountPath }: { mountPath: string }) =>
      value.startsWith(`file:${mountPath}/`),
    );
    expect(volumes.map((volume: { name: string }) => volume.name)).toContain(mount.name);
    await shell(["dethrone", ...args].join(" "));
  });
});

describe("the page", SLOW, () => {
  const page = read("docs/AUTOMATION.md");
  const blocks = [...page.matchAll(/```bash\n([\s\S]*?)```/g)].map(([, code]) => code as string);

  it("has commands of reports that run", async () => {
    await shell("dethrone challenge support --set prompt=brief");
    const { stdout } = await shell(blocks[0] as string);
    expect(stdout).toContain("<!doctype html>");
    expect(stdout).toContain("<!-- dethrone-report support -->");
    await shell("dethrone export champion support --output agent/champion.json");
    expect(existsSync(join(folder, "agent/champion.json"))).toBe(true);
  });

  it.skipIf(lacks("curl"))("has commands for a server that run", async () => {
    await using engine = await createEngine({ url: env.DETHRONE_DB as string });
    const { key } = await engine.keys.create({ name: "ci", scopes: ["read", "admin"] });
    const listening = await listen(createApp(engine), { host: "127.0.0.1", port: 0 });
    try {
      const { stdout } = await shell(blocks[1] as string, {
        DETHRONE_URL: listening.url,
        DETHRONE_KEY: key,
      });
      expect(stdout).toContain('"started":true');
      expect(readFileSync(join(folder, "comment.md"), "utf8")).toMatch(/^<!-- dethrone-report support -->/);
    } finally {
      await listening.stop();
    }
  });

  it("names files that are there", () => {
    const named = [...page.matchAll(/`(deploy\/[\w./-]+)`/g)].map(([, name]) => name as string);
    expect(named.length).toBeGreaterThanOrEqual(5);
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});
