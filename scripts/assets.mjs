// Puts the files that pages refer to beside the code that serves them; tsc copies none.
import { cpSync } from "node:fs";

const FOLDER = "server/dashboard/public";
cpSync(new URL(`../src/${FOLDER}`, import.meta.url), new URL(`../dist/${FOLDER}`, import.meta.url), {
  recursive: true,
});
