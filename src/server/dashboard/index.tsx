/**
 * The dashboard: pages rendered on the server, readable without script.
 *
 * Every page asks the engine what the API asks it, so that both show the same numbers. What changes something is a form
 * that is sent by POST and answered by a redirect; it works with nothing but a browser.
 */
import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { HtmlEscapedString } from "hono/utils/html";
import { DethroneError, type ErrorKind, isDethroneError } from "../../core/errors.js";
import { ActionPage, act, isAction, RollbackPage } from "./actions.js";
import { ASSETS } from "./assets.js";
import { DiffPage, diffView } from "./configs.js";
import { ExperimentPage } from "./experiment.js";
import { experimentView, reportNamed } from "./experiment-view.js";
import type { Request, Theme } from "./layout.js";
import { experimentPath, projectPath } from "./names.js";
import { LoginPage, TroublePage } from "./notices-pages.js";
import { Overview } from "./overview.js";
import { PlanPage, planned, typedPlan } from "./plan.js";
import { ProjectPage, projectView } from "./project.js";
import { filterOf, SessionPageView, SessionsPage, typedIn } from "./sessions.js";
import { SimulatePage, simulated, typedQuestion } from "./simulate.js";
import type { DashboardOptions, Visitor } from "./visitor.js";

export type { DashboardOptions, Entrance, Planner, Visitor } from "./visitor.js";

interface Variables {
  readonly request: Request;
}

type PageContext = Context<{ Variables: Variables }>;

const THEMES: readonly string[] = ["auto", "light", "dark"] satisfies Theme[];
const YEAR_S = 31_536_000;

/** Nothing but what this server sends: no inline script or style, no other origin, no frame around it. */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

const STATUS: Record<ErrorKind, 400 | 403 | 404 | 409 | 429 | 500 | 503> = {
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
  not_permitted: 403,
  throttled: 429,
  unavailable: 503,
  internal: 500,
};

const statusOf = (error: unknown) => (isDethroneError(error) ? STATUS[error.kind] : 500);

/** What is told of a failure: ours in its own words, others not at all, for they may tell too much. */
const messageOf = (error: unknown): string =>
  isDethroneError(error) ? error.message : "The page could not be made. The server's log says why.";

/** A path of this server to come back to; the overview for anything else. */
function ownPath(text: unknown): string {
  return typeof text === "string" && /^\/(?![/\\])[^\s\\]*$/.test(text) ? text : "/";
}

function themeOf(c: Context): Theme {
  const theme = getCookie(c, "theme") ?? "auto";
  return THEMES.includes(theme) ? (theme as Theme) : "auto";
}

/** The address of a request as its path and query. */
function hereOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return `${pathname}${search}`;
}

const requestOf = (c: Context, visitor: Visitor | null): Request => ({
  visitor,
  theme: themeOf(c),
  here: hereOf(c),
});

/** A page as an answer. JSX escapes whatever it is given; a page is the one text that is sent as it is. */
function sent(
  c: Context,
  page: HtmlEscapedString | Promise<HtmlEscapedString>,
  status: 200 | ReturnType<typeof statusOf> = 200,
) {
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  return c.html(
    Promise.resolve(page).then((body) => `<!doctype html>${body}`),
    status,
  );
}

/** The visitor of a page that only visitors get to. */
const visitorIn = (c: PageContext): Visitor => c.var.request.visitor as Visitor;

/** The project a page is about. @throws DethroneError `project_not_found` also for one that the visitor may not see */
function projectIn(c: PageContext): string {
  const key = c.req.param("project") ?? "";
  const { projects } = visitorIn(c);
  if (projects === null || projects.includes(key)) return key;
  throw new DethroneError("project_not_found", `There is no project '${key}'.`, { received: key });
}

/** The fields of a form. @throws DethroneError `csrf_rejected`, `scope_missing` */
async function formOf(
  c: PageContext,
  { isOwnForm }: DashboardOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const form = await c.req.parseBody();
  if (!isOwnForm(c, form)) {
    throw new DethroneError(
      "csrf_rejected",
      "This form was not sent from a page of this server. Go back, reload, and try again.",
    );
  }
  assertAdmin(c);
  return form;
}

function assertAdmin(c: PageContext): void {
  if (visitorIn(c).isAdmin) return;
  throw new DethroneError("scope_missing", "To decide by hand takes a key with the scope admin.", {
    scope: "admin",
  });
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

type App = Hono<{ Variables: Variables }>;

function addAssets(app: App): void {
  for (const { path, type, body } of Object.values(ASSETS)) {
    app.get(path, (c) => {
      c.header("cache-control", `public, max-age=${YEAR_S}, immutable`);
      c.header("content-type", type);
      c.header("x-content-type-options", "nosniff");
      return c.body(body);
    });
  }
}

/** What everyone may see: the page to sign in on, and the choice of colours. */
function addOpenPages(app: App): void {
  app.get("/login", (c) => {
    const isRefused = c.req.query("refused") !== undefined;
    const problem = isRefused ? "That key is not known here, or may not be used any more." : null;
    return sent(
      c,
      <LoginPage request={requestOf(c, null)} back={ownPath(c.req.query("back"))} problem={problem} />,
    );
  });
  app.post("/theme", async (c) => {
    const { theme, back } = await c.req.parseBody();
    if (typeof theme === "string" && THEMES.includes(theme))
      setCookie(c, "theme", theme, { path: "/", maxAge: YEAR_S, sameSite: "Strict", httpOnly: true });
    return c.redirect(ownPath(back), 303);
  });
}

function addReadPages(app: App, { engine }: DashboardOptions): void {
  app.get("/", async (c) => {
    const { projects } = visitorIn(c);
    const summaries = await engine.projects({ projects });
    const { decisions } = await engine.decisions({ projects, limit: 200 });
    const props = { projects: summaries, decisions, nowMs: engine.now() };
    return sent(c, <Overview request={c.var.request} {...props} />);
  });
  app.get("/projects/:project", async (c) =>
    sent(c, <ProjectPage request={c.var.request} view={await projectView(engine, projectIn(c))} />),
  );
  app.get("/projects/:project/configs/:pair", async (c) =>
    sent(
      c,
      <DiffPage request={c.var.request} view={await diffView(engine, projectIn(c), c.req.param("pair"))} />,
    ),
  );
  app.get("/projects/:project/experiments/:id", async (c) =>
    sent(
      c,
      <ExperimentPage
        request={c.var.request}
        view={await experimentView(engine, projectIn(c), c.req.param("id"))}
      />,
    ),
  );
  app.get("/sessions/:id", async (c) => {
    const session = await engine.sessionDetail(c.req.param("id"), { projects: visitorIn(c).projects });
    return sent(c, <SessionPageView request={c.var.request} session={session} />);
  });
  app.get("/sessions", async (c) => {
    const typed = typedIn(c);
    const props = { request: c.var.request, typed };
    try {
      const page = await engine.sessions(filterOf(typed, visitorIn(c).projects));
      return sent(c, <SessionsPage {...props} page={page} problem={null} />);
    } catch (error) {
      if (statusOf(error) !== 400) throw error;
      return sent(c, <SessionsPage {...props} page={null} problem={messageOf(error)} />, 400);
    }
  });
}

/** An answer that was asked for; what is wrong with the question; or neither, before there is one. */
async function answered<T>(
  c: Context,
  ask: () => Promise<T>,
): Promise<{ answer: T | null; problem: string | null }> {
  if (c.req.query("run") === undefined) return { answer: null, problem: null };
  try {
    return { answer: await ask(), problem: null };
  } catch (error) {
    if (statusOf(error) === 400 || statusOf(error) === 429)
      return { answer: null, problem: messageOf(error) };
    throw error;
  }
}

function addPlanningPages(app: App, { planner }: DashboardOptions): void {
  app.get("/simulate", async (c) => {
    const typed = typedQuestion(c);
    const { answer, problem } = await answered(c, () => simulated(planner, typed, c.req.raw.signal));
    const view = { typed, problem, answer };
    return sent(c, <SimulatePage request={c.var.request} view={view} />, problem === null ? 200 : 400);
  });
  app.get("/plan", async (c) => {
    const typed = typedPlan(c);
    const { answer, problem } = await answered(c, () => planned(planner, typed, c.req.raw.signal));
    const view = { typed, problem, plan: answer };
    return sent(c, <PlanPage request={c.var.request} view={view} />, problem === null ? 200 : 400);
  });
}

/** What went wrong with a form that the person can mend by looking again; anything else is thrown on. */
function mendable(error: unknown): string {
  const status = statusOf(error);
  if (status === 400 || status === 409) return messageOf(error);
  throw error;
}

function addActions(app: App, options: DashboardOptions): void {
  const { engine } = options;
  const reportIn = async (c: PageContext) => reportNamed(engine, projectIn(c), c.req.param("id") ?? "");
  const actionIn = (c: PageContext) => {
    const name = c.req.param("action") ?? "";
    if (isAction(name)) return name;
    throw new DethroneError("route_not_found", `An experiment cannot be told to ${name}.`, {
      received: name,
    });
  };
  app.get("/projects/:project/experiments/:id/:action", async (c) => {
    const action = actionIn(c);
    assertAdmin(c);
    return sent(c, <ActionPage request={c.var.request} report={await reportIn(c)} action={action} />);
  });
  app.post("/projects/:project/experiments/:id/:action", async (c) => {
    const action = actionIn(c);
    const form = await formOf(c, options);
    const report = await reportIn(c);
    const reason = textOf(form.reason);
    const challenger = textOf(form.choice) || undefined;
    try {
      await act(engine, report, action, { reason, actor: visitorIn(c).actor, challenger });
    } catch (error) {
      const props = { request: c.var.request, report, action, reason, problem: mendable(error) };
      return sent(c, <ActionPage {...props} />, statusOf(error));
    }
    return c.redirect(experimentPath(report.project, report.experiment), 303);
  });
}

function addRollback(app: App, options: DashboardOptions): void {
  const { engine } = options;
  app.get("/projects/:project/rollback", async (c) => {
    assertAdmin(c);
    const key = projectIn(c);
    const configs = await (await engine.project(key)).configs();
    return sent(c, <RollbackPage request={c.var.request} project={key} configs={configs} />);
  });
  app.post("/projects/:project/rollback", async (c) => {
    const form = await formOf(c, options);
    const key = projectIn(c);
    const project = await engine.project(key);
    const [reason, to] = [textOf(form.reason), textOf(form.choice) || undefined];
    try {
      await project.rollback({ reason, actor: visitorIn(c).actor, to });
    } catch (error) {
      const configs = await project.configs();
      const props = { request: c.var.request, project: key, configs, reason, problem: mendable(error) };
      return sent(c, <RollbackPage {...props} />, statusOf(error));
    }
    return c.redirect(projectPath(key), 303);
  });
}

/**
 * The pages as an app, to be mounted at the root of a server beside the API.
 *
 * To sign in and out (`POST /login`, `POST /logout`) is the server's; so is the stream of events that a page listens to.
 */
export function dashboard(options: DashboardOptions): App {
  const app: App = new Hono();
  app.onError((error, c) => {
    const trouble = { status: statusOf(error), message: messageOf(error) };
    return sent(
      c,
      <TroublePage request={requestOf(c, options.visitorOf(c))} trouble={trouble} />,
      trouble.status,
    );
  });
  app.notFound((c) => {
    const trouble = { status: 404, message: `There is no page at ${hereOf(c)}.` };
    return sent(c, <TroublePage request={requestOf(c, options.visitorOf(c))} trouble={trouble} />, 404);
  });
  addAssets(app);
  addOpenPages(app);
  app.use(async (c, next) => {
    const visitor = options.visitorOf(c);
    if (visitor === null) return c.redirect(`/login?back=${encodeURIComponent(hereOf(c))}`, 303);
    c.set("request", requestOf(c, visitor));
    return next();
  });
  addReadPages(app, options);
  addPlanningPages(app, options);
  addActions(app, options);
  addRollback(app, options);
  return app;
}
