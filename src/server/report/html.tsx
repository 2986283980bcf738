/**
 * A report as one HTML file: the experiment's page with its pictures and its style, without script, in light and dark,
 * readable from a disk, an attachment or print.
 */
import { VERSION } from "../../version.js";
import { ASSETS } from "../dashboard/assets.js";
import { Experiment } from "../dashboard/experiment.js";
import { ExperimentHead } from "../dashboard/experiment-head.js";
import type { ExperimentView } from "../dashboard/experiment-view.js";
import { contestName } from "../dashboard/names.js";
import { minuteText } from "../time-text.js";

/** Whatever may have been put into a config: nothing is loaded, nothing runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const iconOf = (svg: string): string => `data:image/svg+xml,${encodeURIComponent(svg)}`;

function Document({ view }: { readonly view: ExperimentView }) {
  const { report, nowMs } = view;
  const { project, champion, challengers } = report;
  return (
    <html lang="en" data-theme="auto">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="content-security-policy" content={POLICY} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${project}: ${contestName(champion, challengers)}`}</title>
        <link rel="icon" href={iconOf(ASSETS["favicon.svg"].body)} />
        {/* The style sheet of the package, which nobody else can put anything into. */}
        <style dangerouslySetInnerHTML={{ __html: ASSETS["dashboard.css"].body }} />
      </head>
      <body>
        <main id="main">
          <p class="crumbs">{project}</p>
          <ExperimentHead view={view} mayAct={false} />
          <Experiment view={view} isAlone />
        </main>
        <footer class="foot">
          As of {minuteText(nowMs)}. All times are UTC. {report.ledger.sentence} Made by dethrone {VERSION}.
        </footer>
      </body>
    </html>
  );
}

/** The report as an HTML document. */
export async function reportHtml(view: ExperimentView): Promise<string> {
  return `<!doctype html>${await (<Document view={view} />)}\n`;
}
