/**
 * The version of the package, stored with each decision.
 */
import { readFileSync } from "node:fs";

// `src` and `dist` lie at the same depth, so this finds the manifest from either.
const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** The version of this package. */
export const VERSION = manifest.version;
