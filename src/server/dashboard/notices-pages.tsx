/**
 * Pages that say why there is nothing to see, and the one to sign in on.
 */
import { Page, type Request } from "./layout.js";
import { Head } from "./parts.js";

/** What went wrong, for people. */
export interface Trouble {
  readonly status: number;
  readonly message: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "That cannot be asked",
  401: "Not signed in",
  403: "Not allowed",
  404: "Not found",
  409: "It has changed meanwhile",
  413: "Too large",
  429: "Too many requests",
  503: "The database is away",
};

const ADVICE: Readonly<Record<number, string>> = {
  403: "The key you signed in with does not allow this. Sign in with another one, or ask whoever runs the server.",
  404: "It may have been renamed, or belong to a project that your key does not reach.",
  409: "Look again, and repeat it if it is still wanted.",
  503: "Agents run on the last known champion meanwhile, and what they record is kept. This page works again once the database is back.",
};

/** A page about what went wrong. */
export function TroublePage({ request, trouble }: { readonly request: Request; readonly trouble: Trouble }) {
  const { status, message } = trouble;
  const title = TITLES[status] ?? "Something broke";
  const advice = ADVICE[status];
  return (
    <Page request={request} title={title} isStill={status !== 503}>
      <div class="narrow-page">
        <Head title={title} note={`${status}`} />
        <section class="card stack">
          <p>{message}</p>
          {advice === undefined ? null : <p class="quiet">{advice}</p>}
          <p>
            <a class="button" href="/">
              To the overview
            </a>
          </p>
        </section>
      </div>
    </Page>
  );
}

/** The page to sign in on, with a key. */
export function LoginPage(props: {
  readonly request: Request;
  /** where to go then */
  readonly next: string;
  readonly problem: string | null;
}) {
  return (
    <Page request={props.request} title="Sign in" isStill>
      <div class="narrow-page">
        <Head
          title="Sign in"
          note="With a key of this server. It is kept as a cookie of this browser that no script can read."
        />
        <form class="card form" method="post" action="/login">
          {props.problem === null ? null : (
            <p class="notice tone-bad" role="alert">
              {props.problem}
            </p>
          )}
          <input type="hidden" name="next" value={props.next} />
          <label class="field">
            <span>Key</span>
            <input
              type="password"
              name="key"
              required
              autocomplete="current-password"
              spellcheck={false}
              aria-invalid={props.problem === null ? undefined : "true"}
            />
          </label>
          <div class="buttons">
            <button class="button primary" type="submit">
              Sign in
            </button>
          </div>
          <p class="quiet small">
            A key is made on the server's machine: <code>dethrone keys create NAME --scope read,admin</code>
          </p>
        </form>
      </div>
    </Page>
  );
}
