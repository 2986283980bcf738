/**
 * Two configs side by side: where they differ, and each in full.
 */
import { DethroneError } from "../../core/errors.js";
import type { ConfigChange } from "../../engine/configs/diff.js";
import type { ConfigEntry } from "../../engine/configs/lineage.js";
import type { Engine } from "../../engine/engine.js";
import { ConfigDiff } from "./config-diff.js";
import { Page, type Request } from "./layout.js";
import { configName, projectPath } from "./names.js";
import { Card, Head } from "./parts.js";

/** Two configs and what is different. */
export interface DiffView {
  readonly project: string;
  readonly before: ConfigEntry;
  readonly after: ConfigEntry;
  readonly changes: readonly ConfigChange[];
}

/**
 * Two configs of a project.
 *
 * @param pair both by label or beginning of the hash, as in `thorough..brief`
 * @throws DethroneError `project_not_found`, `config_not_found`
 */
export async function diffView(engine: Engine, key: string, pair: string): Promise<DiffView> {
  const project = await engine.project(key);
  const configs = await project.configs();
  const [left = "", right = ""] = pair.split("..");
  const named = (name: string): ConfigEntry => {
    const found = configs.find(
      ({ hash, label }) => label === name || (name.length >= 6 && hash.startsWith(name)),
    );
    if (found) return found;
    throw new DethroneError("config_not_found", `The project has no config '${name}'.`, { received: name });
  };
  const [before, after] = [named(left), named(right)];
  return { project: key, before, after, changes: await project.diff(before.hash, after.hash) };
}

const fullText = ({ body }: ConfigEntry): string => JSON.stringify(body, null, 2);

/** The page of two configs. */
export function DiffPage({ request, view }: { readonly request: Request; readonly view: DiffView }) {
  const { project, before, after, changes } = view;
  return (
    <Page
      request={request}
      title={`${configName(before)} and ${configName(after)}`}
      isStill
      crumbs={[
        { name: "Overview", href: "/" },
        { name: project, href: projectPath(project) },
      ]}
    >
      <Head title={`${configName(before)} and ${configName(after)}`} />
      <div class="stack">
        <Card title="What differs">
          <ConfigDiff before={configName(before)} after={configName(after)} changes={changes} />
        </Card>
        <div class="grid">
          {[before, after].map((config) => (
            <Card title={configName(config)} note={config.hash}>
              <pre class="code" tabindex={0}>
                {fullText(config)}
              </pre>
            </Card>
          ))}
        </div>
      </div>
    </Page>
  );
}
