/**
 * The lines of a file, however it comes in pieces.
 */
import { DethroneError } from "../../core/errors.js";

/** A file in pieces, from its beginning each time it is opened. */
export type OpenFile = () => AsyncIterable<Uint8Array>;

/** A longer line is no record of anything, and must not fill the memory. */
const LINE_CHARS_MAX = 64 * 2 ** 20;

/**
 * The lines of a text in UTF-8, without their line feeds. The last one may lack its own.
 *
 * @throws DethroneError `input_invalid` for a line of more than 64 Mi characters
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of pieces) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() as string;
    yield* lines;
    if (rest.length > LINE_CHARS_MAX)
      throw new DethroneError("input_invalid", "A line of the file is longer than 64 Mi characters.", {
        allowed: LINE_CHARS_MAX,
      });
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
