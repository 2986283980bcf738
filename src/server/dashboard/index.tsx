/**
 * The dashboard: pages rendered on the server, readable without script.
 *
 * Every page asks the engine what the API asks it, so that both show the same numbers. What changes something is a form
 * that is sent by POST and answered by a redirect; it works with nothing but a browser.
 */
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { HtmlEscapedString } from "hono/utils/html";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { DethroneError } from "../../core/errors.js";
import { assertMay } from "../access.js";
import type { AppEnvironment, PagesHost } from "../app.js";
import { foreseen, statusOf } from "../failure.js";
import { ActionPage, act, isAction, RollbackPage } from "./actions.js";
import { ASSETS } from "./assets.js";
import { DiffPage, diffView } from "./configs.js";
import { EvaluationsPage, evaluationFilterOf, typedEvaluations } from "./evaluations.js";
import { ExperimentPage } from "./experiment.js";
import { experimentView, reportNamed } from "./experiment-view.js";
import type { Request, Theme } from "./layout.js";
import { experimentPath, projectPath } from "./names.js";
import { LoginPage, TroublePage } from "./notices-pages.js";
import { Overview } from "./overview.js";
import { PlanPage, planned, typedPlan } from "./plan.js";
import { ProjectPage, projectView } from "./project.js";
import { SessionPageView, SessionsPage, sessionFilterOf, typedSessions } from "./sessions.js";
import { SimulatePage, simulated, typedQuestion } from "./simulate.js";
import { StudyPage } from "./studies.js";
import { type PageContext, projectIn, visitorOf } from "./visitor.js";

type App = Hono<AppEnvironment>;

const THEMES: readonly string[] = ["auto", "light", "dark"] satisfies Theme[];
const YEAR_S = 31_536_000;

/** A path of this server to come back to; the overview for anything else. */
function ownPath(text: unknown): string {
  return typeof text === "string" && /^\/(?![/\\])[^\s\\]*$/.test(text) ? text : "/";
}

function themeOf(c: PageContext): Theme {
  const theme = getCookie(c, "theme") ?? "auto";
  return THEMES.includes(theme) ? (theme as Theme) : "auto";
}

/** What every page shows of its request. */
function requestOf(c: PageContext, { access }: PagesHost): Request {
  const { pathname, search } = new URL(c.req.url);
  return { visitor: visitorOf(c, access), theme: themeOf(c), here: pathname + search };
}

/** A page as an answer. JSX has escaped whatever was put into it. */
async function sent(
  c: PageContext,
  page: HtmlEscapedString | Promise<HtmlEscapedString>,
  status = 200,
): Promise<Response> {
  c.header("cache-control", "no-store");
  return c.html(`<!doctype html>${await page}`, status as ContentfulStatusCode);
}

/** A page about what went wrong; the server's log is told of it too. */
function sentTrouble(c: PageContext, host: PagesHost, thrown: unknown): Promise<Response> {
  c.set("failure", thrown);
  const error = foreseen(thrown);
  const trouble = { status: statusOf(error), message: error.message };
  return sent(c, <TroublePage request={requestOf(c, host)} trouble={trouble} />, trouble.status);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

function addAssets(app: App): void {
  for (const { path, type, body } of Object.values(ASSETS)) {
    app.get(path, (c) => {
      c.header("cache-control", `public, max-age=${YEAR_S}, immutable`);
      c.header("content-type", type);
      return c.body(body);
    });
  }
}

/** What everyone may see: the page to sign in on, and the choice of colours. */
function addOpenPages(app: App, host: PagesHost): void {
  app.get("/login", (c) => {
    const isRefused = c.req.query("error") !== undefined;
    const problem = isRefused ? "That key is not known here, or may not be used any more." : null;
    const next = ownPath(c.req.query("next"));
    return sent(c, <LoginPage request={requestOf(c, host)} next={next} problem={problem} />);
  });
  app.post("/theme", async (c) => {
    const { theme, back } = await c.req.parseBody();
    if (typeof theme === "string" && THEMES.includes(theme))
      setCookie(c, "theme", theme, { path: "/", maxAge: YEAR_S, sameSite: "Strict", httpOnly: true });
    return c.redirect(ownPath(back), 303);
  });
}

function addProjectPages(app: App, host: PagesHost): void {
  const { engine } = host;
  app.get("/", async (c) => {
    const { projects } = c.get("principal");
    const summaries = await engine.projects({ projects });
    const { decisions } = await engine.decisions({ projects, limit: 200 });
    const search = (c.req.query("q") ?? "").trim();
    const view = { projects: summaries, search, decisions, nowMs: engine.now() };
    return sent(c, <Overview request={requestOf(c, host)} {...view} />);
  });
  app.get("/projects/:project", async (c) => {
    const view = await projectView(engine, projectIn(c));
    return sent(c, <ProjectPage request={requestOf(c, host)} view={view} />);
  });
  app.get("/projects/:project/configs/:pair", async (c) => {
    const view = await diffView(engine, projectIn(c), c.req.param("pair"));
    return sent(c, <DiffPage request={requestOf(c, host)} view={view} />);
  });
  app.get("/projects/:project/experiments/:id", async (c) => {
    const view = await experimentView(engine, projectIn(c), c.req.param("id"));
    return sent(c, <ExperimentPage request={requestOf(c, host)} view={view} />);
  });
  app.get("/projects/:project/studies/:study", async (c) => {
    const report = await engine.studies.report(projectIn(c), c.req.param("study"));
    return sent(c, <StudyPage request={requestOf(c, host)} report={report} />);
  });
}

function addEvaluationPages(app: App, host: PagesHost): void {
  const { engine } = host;
  app.get("/evaluations", async (c) => {
    const props = { request: requestOf(c, host), typed: typedEvaluations(c) };
    try {
      const page = await engine.evaluations(evaluationFilterOf(props.typed, c.get("principal").projects));
      return sent(c, <EvaluationsPage {...props} page={page} problem={null} />);
    } catch (thrown) {
      const error = mendable(thrown);
      return sent(c, <EvaluationsPage {...props} page={null} problem={error.message} />, statusOf(error));
    }
  });
}

/** What is wrong with what was typed, for the page to say; anything else is thrown on. */
function mendable(thrown: unknown): DethroneError {
  const error = foreseen(thrown);
  if (["invalid_input", "conflict", "throttled"].includes(error.kind)) return error;
  throw thrown;
}

function addSessionPages(app: App, host: PagesHost): void {
  const { engine } = host;
  app.get("/sessions", async (c) => {
    const props = { request: requestOf(c, host), typed: typedSessions(c) };
    try {
      const page = await engine.sessions(sessionFilterOf(props.typed, c.get("principal").projects));
      return sent(c, <SessionsPage {...props} page={page} problem={null} />);
    } catch (thrown) {
      const error = mendable(thrown);
      return sent(c, <SessionsPage {...props} page={null} problem={error.message} />, statusOf(error));
    }
  });
  app.get("/sessions/:id", async (c) => {
    const session = await engine.sessionDetail(c.req.param("id"), { projects: c.get("principal").projects });
    return sent(c, <SessionPageView request={requestOf(c, host)} session={session} />);
  });
}

interface Answered<T> {
  readonly answer: T | null;
  readonly problem: string | null;
  readonly status: number;
}

/** An answer that was asked for; what is wrong with the question; or neither, before there is one. */
async function answered<T>(c: PageContext, ask: () => Promise<T>): Promise<Answered<T>> {
  if (c.req.query("run") === undefined) return { answer: null, problem: null, status: 200 };
  try {
    return { answer: await ask(), problem: null, status: 200 };
  } catch (thrown) {
    const error = mendable(thrown);
    return { answer: null, problem: error.message, status: statusOf(error) };
  }
}

function addPlanningPages(app: App, host: PagesHost): void {
  const { questions } = host;
  app.get("/simulate", async (c) => {
    const typed = typedQuestion(c);
    const { status, ...rest } = await answered(c, () => simulated(questions, typed, c.req.raw.signal));
    return sent(c, <SimulatePage request={requestOf(c, host)} view={{ typed, ...rest }} />, status);
  });
  app.get("/plan", async (c) => {
    const typed = typedPlan(c);
    const { status, ...rest } = await answered(c, () => planned(questions, typed, c.req.raw.signal));
    return sent(c, <PlanPage request={requestOf(c, host)} view={{ typed, ...rest }} />, status);
  });
}

/** A form that decides something. @throws DethroneError `csrf_rejected`, `scope_missing` */
async function formOf(c: PageContext, { access }: PagesHost) {
  await access.verifyCsrf(c);
  projectIn(c, "admin");
  const { reason, choice } = await c.req.parseBody();
  return { reason: textOf(reason), choice: textOf(choice) || undefined, actor: c.get("principal").name };
}

function addActions(app: App, host: PagesHost): void {
  const { engine } = host;
  const actionIn = (c: PageContext) => {
    const name = c.req.param("action") ?? "";
    if (isAction(name)) return name;
    throw new DethroneError("route_not_found", `An experiment cannot be told to ${name}.`, {
      received: name,
    });
  };
  app.get("/projects/:project/experiments/:id/:action", async (c) => {
    const props = { action: actionIn(c), request: requestOf(c, host) };
    const report = await reportNamed(engine, projectIn(c, "admin"), c.req.param("id"));
    return sent(c, <ActionPage {...props} report={report} />);
  });
  app.post("/projects/:project/experiments/:id/:action", async (c) => {
    const action = actionIn(c);
    const { choice, ...byHand } = await formOf(c, host);
    const report = await reportNamed(engine, projectIn(c), c.req.param("id"));
    try {
      await act(engine, report, action, { ...byHand, challenger: choice });
    } catch (thrown) {
      const error = mendable(thrown);
      const props = { request: requestOf(c, host), report, action, reason: byHand.reason };
      return sent(c, <ActionPage {...props} problem={error.message} />, statusOf(error));
    }
    return c.redirect(experimentPath(report.project, report.experiment), 303);
  });
}

function addRollback(app: App, host: PagesHost): void {
  const { engine } = host;
  app.get("/projects/:project/rollback", async (c) => {
    const project = projectIn(c, "admin");
    const configs = await (await engine.project(project)).configs();
    return sent(c, <RollbackPage request={requestOf(c, host)} project={project} configs={configs} />);
  });
  app.post("/projects/:project/rollback", async (c) => {
    const { choice, ...byHand } = await formOf(c, host);
    const key = projectIn(c);
    const project = await engine.project(key);
    try {
      await project.rollback({ ...byHand, to: choice });
    } catch (thrown) {
      const error = mendable(thrown);
      const props = { request: requestOf(c, host), project: key, reason: byHand.reason };
      const configs = await project.configs();
      return sent(c, <RollbackPage {...props} configs={configs} problem={error.message} />, statusOf(error));
    }
    return c.redirect(projectPath(key), 303);
  });
}

/**
 * The pages, for `createApp(engine, { pages: dashboard })`.
 *
 * To come in and to leave (`POST /login`, `POST /logout`) is the server's; so is the stream of events that pages follow.
 */
export function dashboard(host: PagesHost): App {
  const app: App = new Hono();
  app.onError((error, c) => sentTrouble(c, host, error));
  addAssets(app);
  addOpenPages(app, host);
  app.use(async (c, next) => {
    // The API's own answer to what it does not know is no page.
    if (c.req.path.startsWith("/v1/")) return c.notFound();
    return host.access.requirePrincipal(c, async () => {
      assertMay(c.get("principal"), { scope: "read" }, []);
      await next();
    });
  });
  addProjectPages(app, host);
  addEvaluationPages(app, host);
  addSessionPages(app, host);
  addPlanningPages(app, host);
  addActions(app, host);
  addRollback(app, host);
  app.all("*", (c) => {
    throw new DethroneError("route_not_found", `There is no page at ${c.req.path.slice(0, 200)}.`);
  });
  return app;
}
