/**
 * A request's body as JSON: bounded in size and depth before anything walks it.
 */
import { DethroneError, type Json } from "../core/errors.js";

/** Largest body, in bytes. */
const BODY_BYTES_MAX = 1_048_576;
const DEPTH_MAX = 64;
const UTF_8 = new TextDecoder("utf-8", { fatal: true });

function tooLarge(): DethroneError {
  return new DethroneError("body_too_large", `A request's body has at most ${BODY_BYTES_MAX} bytes.`, {
    allowed: BODY_BYTES_MAX,
  });
}

/** What a sender says nothing of the length of, up to what is too much. */
async function chunksOf(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

/** Whether a JSON text is nested too deeply, without parsing it. */
function isTooDeep(json: string): boolean {
  // Most are shorter than what it takes.
  return json.length > 2 * DEPTH_MAX && depthOf(json) > DEPTH_MAX;
}

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let isInText = false;
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (isInText) {
      if (character === "\\") at += 1;
      else if (character === '"') isInText = false;
    } else if (character === '"') isInText = true;
    else if (character === "{" || character === "[") {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if (character === "}" || character === "]") depth -= 1;
  }
  return deepest;
}

function malformed(message: string): DethroneError {
  return new DethroneError("input_invalid", message, { field: "body" });
}

/** A body, as it was sent and as JSON. */
export interface Body {
  readonly text: string;
  /** an empty body stands for an empty object */
  readonly json: Json;
}

/**
 * Reads the body of a request.
 *
 * @throws DethroneError `content_type_invalid`, `body_too_large`; `input_invalid` for what is no JSON, or too deep
 */
export async function readBody(request: Request): Promise<Body> {
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  // A socket holds a sender to what it declares; and to read at once takes a third of the time.
  const bytes = declared === null ? await chunksOf(request) : new Uint8Array(await request.arrayBuffer());
  if (bytes.byteLength > BODY_BYTES_MAX) throw tooLarge();
  if (bytes.byteLength === 0) return { text: "", json: {} };
  const contentType = request.headers.get("content-type") ?? "";
  // Also what keeps pages of other sites from posting here: a browser asks first before it sends JSON elsewhere.
  if (!/^application\/json\s*(;|$)/i.test(contentType)) {
    throw new DethroneError("content_type_invalid", "A request's body must be application/json.", {
      received: contentType.slice(0, 100),
      allowed: "application/json",
    });
  }
  let text: string;
  try {
    text = UTF_8.decode(bytes);
  } catch {
    throw malformed("The body is not UTF-8.");
  }
  if (isTooDeep(text)) throw malformed(`The body is nested more than ${DEPTH_MAX} levels deep.`);
  try {
    return { text, json: JSON.parse(text) as Json };
  } catch (error) {
    throw malformed(`The body is not JSON: ${(error as Error).message}.`);
  }
}
