import type { App, AppOptions } from "../../src/server/app.js";
import { createApp } from "../../src/server/app.js";
import type { TestEngine } from "../../src/testing.js";

/** What an app answered. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
  readonly text: string;
}

/** How a request is made. */
interface Asking {
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** An app over an engine, asked without a socket. */
export interface TestApp {
  readonly app: App;
  readonly ask: (method: string, path: string, asking?: Asking) => Promise<Answer>;
}

/** The app of an engine; open unless said otherwise. */
export function testApp({ engine, clock }: TestEngine, options: AppOptions = {}): TestApp {
  const app = createApp(engine, { open: true, clock, ...options });
  const ask: TestApp["ask"] = async (method, path, { key, body, headers = {} } = {}) => {
    const response = await app.fetch(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    const isJson = /\/(problem\+)?json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
  };
  return { app, ask };
}
