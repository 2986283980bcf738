/** A client over a server in this process: its requests are calls, on a virtual clock. */

import { Client, type ClientSettings } from "../../src/client/client.js";
import { createRandom } from "../../src/core/random.js";
import { seededIds } from "../../src/engine/environment.js";
import { DethroneError, isDethroneError } from "../../src/index.js";
import type { TestEngine } from "../../src/testing.js";
import { recordingLogger } from "./recording-logger.js";

export const SERVER = "https://dethrone.test";

type Fetch = typeof fetch;

/** What answers as a server over an engine does. */
export function serverOf({ engine }: TestEngine): Fetch {
  return async (input, init) => {
    const url = new URL(String(input));
    const parts = url.pathname.split("/").slice(2).map(decodeURIComponent);
    const body = init?.body ? JSON.parse(String(init.body)) : undefined;
    try {
      if (parts[0] === "records")
        return Response.json({
          results: (await engine.record(body.operations, body)).map((r) =>
            r.status === "failed"
              ? {
                  status: "failed",
                  error: {
                    code: r.error.code,
                    kind: r.error.kind,
                    detail: r.error.message,
                    details: r.error.details,
                  },
                }
              : r,
          ),
        });
      if (parts[2] === "snapshot") {
        const snapshot = await engine.snapshot(parts[1] as string);
        const etag = `"${JSON.stringify(snapshot).length}"`;
        if (new Headers(init?.headers).get("if-none-match") === etag)
          return new Response(null, { status: 304 });
        return Response.json(snapshot, { headers: { etag } });
      }
      if (parts.length === 1) {
        await engine.project(body.key, body);
        return Response.json({ key: body.key }, { status: 201 });
      }
      throw new DethroneError("route_not_found" as never, url.pathname);
    } catch (error) {
      if (!isDethroneError(error)) throw error;
      const { code, kind, message: detail, details } = error;
      return Response.json({ code, kind, detail, details }, { status: kind === "not_found" ? 404 : 400 });
    }
  };
}

/** A client on the clock of an engine. */
export function clientOf(test: TestEngine, more: Partial<ClientSettings> = {}) {
  const { clock } = test;
  const random = createRandom(1);
  const logger = recordingLogger();
  const client = new Client({
    clock,
    logger,
    ids: seededIds(createRandom(11), clock),
    random: random.next,
    server: SERVER,
    key: undefined,
    fetch: serverOf(test),
    isOff: false,
    refreshMs: 5000,
    patienceMs: 250,
    timeoutMs: 5000,
    bootstrap: [],
    ...more,
  });
  return { client, logger };
}
