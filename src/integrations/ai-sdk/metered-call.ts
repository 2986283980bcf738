/**
 * Watches one model call, whole or in parts: nothing is held back, and nothing is read before the SDK asks for it.
 */
import type { LanguageModelMiddleware } from "ai";
import type { MeteredCall } from "../run-meter.js";
import { failureOf } from "../session-hooks.js";

type WrapGenerate = NonNullable<LanguageModelMiddleware["wrapGenerate"]>;
type WrapStream = NonNullable<LanguageModelMiddleware["wrapStream"]>;

/** A whole answer of a model. */
export type Generated = Awaited<ReturnType<WrapGenerate>>;

/** An answer of a model in parts. */
export type Streamed = Awaited<ReturnType<WrapStream>>;

type Part = Streamed["stream"] extends ReadableStream<infer P> ? P : never;

/** Makes a call of which the answer comes whole. */
export async function meteredGenerate(
  meter: MeteredCall,
  call: () => PromiseLike<Generated>,
): Promise<Generated> {
  try {
    const result = await call();
    meter.end({ kind: "finished", usage: result.usage, finishReason: result.finishReason.unified });
    return result;
  } catch (error) {
    meter.end(failureOf(error));
    throw error;
  }
}

/** Makes a call of which the answer comes in parts; it ends with the stream. */
export async function meteredStream(
  meter: MeteredCall,
  call: () => PromiseLike<Streamed>,
): Promise<Streamed> {
  try {
    const result = await call();
    return { ...result, stream: metered(result.stream, meter) };
  } catch (error) {
    meter.end(failureOf(error));
    throw error;
  }
}

/** Parts that carry something of the answer. */
const CONTENT: readonly string[] = [
  "text-delta",
  "reasoning-delta",
  "tool-input-delta",
  "tool-call",
  "file",
  "source",
];

function note(part: Part, meter: MeteredCall): void {
  if (CONTENT.includes(part.type)) meter.firstToken();
  else if (part.type === "error") meter.end(failureOf(part.error));
  else if (part.type === "finish")
    meter.end({ kind: "finished", usage: part.usage, finishReason: part.finishReason.unified });
}

function metered(source: ReadableStream<Part>, meter: MeteredCall): ReadableStream<Part> {
  const reader = source.getReader();
  return new ReadableStream<Part>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            // A stream that stops without having said how: the SDK takes it so, too.
            meter.end({ kind: "finished", usage: undefined, finishReason: "other" });
            controller.close();
            return;
          }
          note(value, meter);
          controller.enqueue(value);
        } catch (error) {
          meter.end(failureOf(error));
          controller.error(error);
        }
      },
      cancel(reason) {
        meter.end({ kind: "cancelled" });
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
