import type { JsonObject } from "../../src/core/errors.js";
import type { Logger } from "../../src/engine/ports.js";

/** A logger that keeps what it is told. */
export function recordingLogger(): Logger & {
  readonly messages: { level: string; message: string; fields: JsonObject }[];
} {
  const messages: { level: string; message: string; fields: JsonObject }[] = [];
  const at = (level: string) => (fields: JsonObject, message: string) => {
    messages.push({ level, message, fields });
  };
  return { messages, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
