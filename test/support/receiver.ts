import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as it came in. */
interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An endpoint on this machine that answers as it is told to. */
export interface Receiver {
  readonly url: string;
  readonly messages: readonly ReceivedMessage[];
  /** how the next messages are answered; the last answer stays */
  answer(...answers: (number | ((response: ServerResponse) => void))[]): void;
  /** resolves once so many messages have come in, all in all */
  received(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Starts an endpoint, which answers 204 unless told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const messages: ReceivedMessage[] = [];
  let answers: (number | ((response: ServerResponse) => void))[] = [204];
  let waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      messages.push({ path: request.url ?? "", headers: request.headers, body });
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 204;
      if (typeof answer === "number") response.writeHead(answer).end();
      else answer(response);
      for (const { count, resolve } of waiting) if (messages.length >= count) resolve();
      waiting = waiting.filter(({ count }) => messages.length < count);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    messages,
    answer(...next) {
      answers = next;
    },
    received: (count) =>
      messages.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiting.push({ count, resolve })),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
