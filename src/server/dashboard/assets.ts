/**
 * The files that pages refer to. Their addresses carry a hash of their content, so that they may be kept for a year.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

// The build puts them beside the code, as they are in the sources.
const FOLDER = new URL("./public/", import.meta.url);

const TYPES = {
  "dashboard.css": "text/css; charset=utf-8",
  "dashboard.js": "text/javascript; charset=utf-8",
  "favicon.svg": "image/svg+xml",
} as const;

type FileName = keyof typeof TYPES;

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly body: string;
}

function assetOf(name: FileName): Asset {
  const body = readFileSync(new URL(name, FOLDER), "utf8");
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type: TYPES[name], body };
}

/** Every file, by its name. */
export const ASSETS: Readonly<Record<FileName, Asset>> = {
  "dashboard.css": assetOf("dashboard.css"),
  "dashboard.js": assetOf("dashboard.js"),
  "favicon.svg": assetOf("favicon.svg"),
};
