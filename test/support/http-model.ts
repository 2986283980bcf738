import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ModelV3 } from "../../src/integrations/ai-sdk/model-call.js";
import { usageOf } from "./ai-models.js";

type Streamed = Awaited<ReturnType<ModelV3["doStream"]>>;
type Part = Streamed["stream"] extends ReadableStream<infer P> ? P : never;

/** A chunk as OpenAI-compatible servers send it. */
interface Chunk {
  readonly choices: readonly {
    readonly delta: { readonly content?: string };
    readonly finish_reason?: string;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

const event = (chunk: Chunk): string => `data: ${JSON.stringify(chunk)}\n\n`;

/** How the server answers, after the headers. */
export type Answering = (response: ServerResponse, gone: Promise<void>) => Promise<void> | void;

/** Sends words, one a chunk, and how it ended. */
export const sends =
  (...words: readonly string[]): Answering =>
  (response) => {
    for (const content of words) response.write(event({ choices: [{ delta: { content } }] }));
    response.write(event({ choices: [{ delta: {}, finish_reason: "stop" }] }));
    response.write(event({ choices: [], usage: { prompt_tokens: 40, completion_tokens: words.length } }));
    response.end("data: [DONE]\n\n");
  };

/** Sends one word, and no more until the client has gone. */
export const hangs: Answering = async (response, gone) => {
  response.write(event({ choices: [{ delta: { content: "one" } }] }));
  await gone;
};

/** Sends one word and breaks the connection. */
export const breaks: Answering = (response) => {
  response.write(event({ choices: [{ delta: { content: "one" } }] }), () => response.socket?.destroy());
};

/** An OpenAI-compatible server on a free port, that answers in these ways in turn. */
export async function modelServer(...answers: readonly Answering[]) {
  const bodies: { model: string; temperature?: number }[] = [];
  let tellGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    tellGone = resolve;
  });
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const answer = answers[Math.min(bodies.length, answers.length - 1)] as Answering;
    bodies.push(JSON.parse(body));
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.on("close", tellGone);
    await answer(response, gone);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    bodies,
    /** resolves once a client has left, or has got it all */
    gone,
    url: `http://127.0.0.1:${port}/v1/chat/completions`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A model of the AI SDK over such a server, with nothing but fetch. */
export function httpModel(url: string, modelId: string): ModelV3 {
  const request = (call: Parameters<ModelV3["doStream"]>[0]): RequestInit => ({
    method: "POST",
    body: JSON.stringify({
      model: modelId,
      stream: true,
      temperature: call.temperature,
      messages: call.prompt,
    }),
    ...(call.abortSignal && { signal: call.abortSignal }),
  });
  return {
    specificationVersion: "v3",
    provider: "local",
    modelId,
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error("This server streams.")),
    async doStream(call) {
      const response = await fetch(url, request(call));
      const lines = (response.body as ReadableStream<Uint8Array>)
        .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
        .pipeThrough(events());
      return { stream: lines.pipeThrough(partsOf()) };
    },
  };
}

/** Server-sent events out of a text that comes in pieces. */
function events(): TransformStream<string, Chunk> {
  let rest = "";
  return new TransformStream({
    transform(text, controller) {
      const lines = (rest + text).split("\n\n");
      rest = lines.pop() ?? "";
      for (const line of lines)
        if (line !== "data: [DONE]") controller.enqueue(JSON.parse(line.slice("data: ".length)));
    },
  });
}

function partsOf(): TransformStream<Chunk, Part> {
  let usage = usageOf(0, undefined);
  return new TransformStream({
    start(controller) {
      controller.enqueue({ type: "stream-start", warnings: [] });
      controller.enqueue({ type: "text-start", id: "1" });
    },
    transform({ choices, usage: told }, controller) {
      if (told) usage = usageOf(told.prompt_tokens, told.completion_tokens);
      const delta = choices[0]?.delta.content;
      if (delta !== undefined) controller.enqueue({ type: "text-delta", id: "1", delta });
    },
    flush(controller) {
      controller.enqueue({ type: "text-end", id: "1" });
      controller.enqueue({ type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage });
    },
  });
}
