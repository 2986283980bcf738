// Copies a database with the built package, and is killed by itself once it has come so far:
// node copy-process.mjs FROM TO ROWS
import { createEngine } from "../../dist/index.js";

const [, , from, to, rows] = process.argv;
const source = await createEngine({ url: from, strict: true });
const target = await createEngine({ url: to, strict: true });
await source.transfer.copyTo(target, {
  onProgress: (done) => {
    if (done >= Number(rows)) process.kill(process.pid, "SIGKILL");
  },
});
