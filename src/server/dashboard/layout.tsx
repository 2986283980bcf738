/**
 * The frame of every page: its head, the way around, the choice of colours.
 */
import type { Child } from "hono/jsx";
import { ASSETS } from "./assets.js";
import type { Visitor } from "./visitor.js";

/** Which colours the visitor has chosen; `auto` follows the system. */
export type Theme = "auto" | "light" | "dark";

/** What of a request every page shows. */
export interface Request {
  /** null before signing in */
  readonly visitor: Visitor | null;
  readonly theme: Theme;
  /** path and query of the page, to come back to */
  readonly here: string;
}

/** A step of the way to a page. */
export interface Crumb {
  readonly name: string;
  readonly href: string;
}

interface PageProps {
  readonly request: Request;
  readonly title: string;
  readonly crumbs?: readonly Crumb[];
  /** the page holds a form, or cannot change: it is not refreshed */
  readonly isStill?: boolean;
  readonly children?: Child;
}

const NAV = [
  { href: "/", name: "Overview" },
  { href: "/evaluations", name: "Evaluations" },
  { href: "/sessions", name: "Sessions" },
  { href: "/simulate", name: "Simulate" },
  { href: "/plan", name: "Plan" },
] as const;

/** Which part of the navigation a page belongs to. */
function isCurrent(href: string, here: string): boolean {
  if (href === "/") return here === "/" || here.startsWith("/projects/");
  return here === href || here.startsWith(`${href}/`) || here.startsWith(`${href}?`);
}

function Crown() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <path d="M2 15.5h16v2H2zM2 5.5l4.2 3.4L10 2.5l3.8 6.4L18 5.5 16.6 14H3.4z" />
    </svg>
  );
}

const THEMES = [
  { theme: "auto", name: "Colours of the system", path: "M2 3h12v8H2zM6 14h4M8 11v3" },
  {
    theme: "light",
    name: "Light",
    path: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6L13 13M3 13l1.4-1.4M11.6 4.4L13 3",
  },
  { theme: "dark", name: "Dark", path: "M13.5 9.5A6 6 0 0 1 6.5 2.5 6 6 0 1 0 13.5 9.5z" },
] as const;

function ThemeChoice({ request }: { readonly request: Request }) {
  return (
    <form class="theme" method="post" action="/theme">
      <input type="hidden" name="back" value={request.here} />
      {THEMES.map(({ theme, name, path }) => (
        <button
          type="submit"
          name="theme"
          value={theme}
          title={name}
          aria-label={name}
          aria-pressed={request.theme === theme ? "true" : "false"}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={path} />
          </svg>
        </button>
      ))}
    </form>
  );
}

/** The hidden field that proves a form to be the visitor's. */
export function ProofField({ visitor }: { readonly visitor: Visitor | null }) {
  return visitor === null ? null : <input type="hidden" {...visitor.proof} />;
}

function SignOut({ visitor }: { readonly visitor: Visitor }) {
  return (
    <form method="post" action="/logout">
      <ProofField visitor={visitor} />
      <button class="button" type="submit">
        Sign out
      </button>
    </form>
  );
}

function Top({ request }: { readonly request: Request }) {
  const { visitor, here } = request;
  return (
    <header class="top">
      <div class="top-row">
        <a class="brand" href="/">
          <Crown />
          dethrone
        </a>
        <nav class="nav" aria-label="Pages">
          {visitor === null
            ? null
            : NAV.map(({ href, name }) => (
                <a href={href} aria-current={isCurrent(href, here) ? "page" : undefined}>
                  {name}
                </a>
              ))}
        </nav>
        <div class="tools">
          <ThemeChoice request={request} />
          {visitor?.isSignedIn ? <SignOut visitor={visitor} /> : null}
        </div>
      </div>
    </header>
  );
}

function Crumbs({ crumbs }: { readonly crumbs: readonly Crumb[] }) {
  if (crumbs.length === 0) return null;
  return (
    <nav aria-label="Where this page is">
      <ol class="crumbs">
        {crumbs.map(({ name, href }) => (
          <li>
            <a href={href}>{name}</a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** A whole page. */
export function Page({ request, title, crumbs = [], isStill = false, children }: PageProps) {
  const { theme, visitor } = request;
  return (
    <html lang="en" data-theme={theme} data-events={visitor === null ? undefined : "/v1/events"}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{`${title} · dethrone`}</title>
        <link rel="icon" href={ASSETS["favicon.svg"].path} type="image/svg+xml" />
        <link rel="stylesheet" href={ASSETS["dashboard.css"].path} />
        <script type="module" src={ASSETS["dashboard.js"].path} />
      </head>
      <body>
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Top request={request} />
        <main id="main" tabindex={-1} data-still={isStill ? "" : undefined}>
          <Crumbs crumbs={crumbs} />
          {children}
        </main>
        <footer class="foot">All times are UTC. Numbers are those of the API and of dethrone report.</footer>
      </body>
    </html>
  );
}
