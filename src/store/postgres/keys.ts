/**
 * Names that hold in a whole database of Postgres, made so that each schema has its own.
 */
import { createHash } from "node:crypto";
import type { PostgresLocation } from "../location.js";

const placeOf = ({ schema }: PostgresLocation): string => schema ?? "";

/** The key of an advisory lock, 64 bits as a decimal number. */
export function lockOf(location: PostgresLocation, purpose: "write" | "migrate"): string {
  const digest = createHash("sha256")
    .update(`dethrone ${purpose} ${placeOf(location)}`)
    .digest();
  return digest.readBigInt64BE(0).toString();
}

/** The channel on which processes tell each other that a project has changed. */
export const channelOf = (location: PostgresLocation): string => `dethrone:${placeOf(location)}`;
