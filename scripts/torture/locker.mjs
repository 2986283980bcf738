// A process that takes the database's one write lock again and again, for a random time, so that everybody else's writes
// meet SQLITE_BUSY. It stops when it is killed.
import Database from "libsql";
import { chance, sleep } from "./support.mjs";

const { path, seed, holdMs, restMs } = JSON.parse(process.argv[2]);
const { int } = chance(seed, "locker");
const database = new Database(path, { timeout: 1000 });

for (;;) {
  try {
    database.exec("BEGIN IMMEDIATE");
    await sleep(int(0, holdMs));
    database.exec("ROLLBACK");
  } catch (error) {
    if (!String(error.code).startsWith("SQLITE_BUSY")) throw error;
  }
  await sleep(int(0, restMs));
}
