/**
 * The version of the package, stored with each decision.
 */
import { readFileSync } from "node:fs";

/** A bundler leaves the manifest behind, and there may be another one in its place. */
function ownVersion(): string {
  try {
    // `src` and `dist` lie at the same depth, so this finds the manifest from either.
    const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
    const { name, version } = JSON.parse(text) as { name: string; version: string };
    return name === "dethrone" ? version : "unknown";
  } catch {
    return "unknown";
  }
}

/** The version of this package; `unknown` where it is part of a bundle. */
export const VERSION = ownVersion();
