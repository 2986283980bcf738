import { type AppOptions, createApp } from "../../src/server/app.js";
import { dashboard } from "../../src/server/dashboard/index.js";
import type { TestEngine } from "../../src/testing.js";

/** What came of a request for a page. */
export interface Page {
  readonly status: number;
  readonly html: string;
  readonly headers: Headers;
  readonly location: string | null;
}

/** Asks for the pages of an engine as a browser does, with its cookies, without a socket. */
export class PageBrowser {
  readonly #app: ReturnType<typeof createApp>;
  readonly #cookies = new Map<string, string>();

  constructor({ engine, clock }: TestEngine, options: AppOptions = { open: true }) {
    this.#app = createApp(engine, { pages: dashboard, clock, ...options });
  }

  async get(path: string): Promise<Page> {
    return this.#fetch(path, {});
  }

  async post(path: string, form: Record<string, string>, origin = "http://localhost"): Promise<Page> {
    return this.#fetch(path, { method: "POST", body: new URLSearchParams(form), headers: { origin } });
  }

  /** Sends the form of a page with what is typed into it. */
  async send(path: string, typed: Record<string, string>): Promise<Page> {
    const { html } = await this.get(path);
    const form = html.slice(html.lastIndexOf("<form"));
    const hidden = [...form.matchAll(/type="hidden" name="([^"]+)" value="([^"]+)"/g)];
    return this.post(path, {
      ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])),
      ...typed,
    });
  }

  async #fetch(path: string, init: RequestInit): Promise<Page> {
    const headers = new Headers(init.headers);
    headers.set("cookie", [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const response = await this.#app.fetch(new Request(`http://localhost${path}`, { ...init, headers }));
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    const { status } = response;
    return {
      status,
      html: await response.text(),
      headers: response.headers,
      location: response.headers.get("location"),
    };
  }
}
