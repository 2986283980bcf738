// A process that takes the database's one write lock again and again, for a random time, so that everybody else's writes
// meet SQLITE_BUSY. It stops when it is killed.
import Database from "libsql";
import { locate } from "../../dist/store/location.js";
import { connectTo } from "../../dist/store/postgres/client.js";
import { lockOf } from "../../dist/store/postgres/keys.js";
import { chance, sleep } from "./support.mjs";

const { url, seed, holdMs, restMs } = JSON.parse(process.argv[2]);
const { int } = chance(seed, "locker");
const location = locate(url);

async function locked() {
  if (location.kind !== "postgres") {
    const database = new Database(location.path, { timeout: 1000 });
    return { begin: () => database.exec("BEGIN IMMEDIATE"), end: () => database.exec("ROLLBACK") };
  }
  const client = await connectTo(location);
  const begin = () => client.query(`BEGIN; SELECT pg_advisory_xact_lock(${lockOf(location, "write")})`);
  return { begin, end: () => client.query("ROLLBACK") };
}

const { begin, end } = await locked();

for (;;) {
  try {
    await begin();
    await sleep(int(0, holdMs));
    await end();
  } catch (error) {
    if (!String(error.code).startsWith("SQLITE_BUSY")) throw error;
  }
  await sleep(int(0, restMs));
}
