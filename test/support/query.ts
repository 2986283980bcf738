import { createClient } from "@libsql/client";
import { locate } from "../../src/store/location.js";
import { connectTo } from "../../src/store/postgres/client.js";
import { toPostgres } from "../../src/store/postgres/dialect.js";

/** Runs statements on the database past the store, also such as break a reference. */
export async function tamper(path: string, ...statements: string[]): Promise<void> {
  const location = locate(path);
  if (location.kind === "postgres") {
    const connection = await connectTo(location, ["session_replication_role=replica"]);
    for (const sql of statements) await connection.query(toPostgres(sql));
    return connection.end();
  }
  const client = createClient({ url: `file:${path}`, timeout: 5000 });
  await client.executeMultiple(["PRAGMA foreign_keys = OFF", ...statements].join(";\n"));
  client.close();
}

/** The rows of a query on the database at a path or URL, past the store. */
export async function query<T>(path: string, sql: string, args: (string | number)[] = []): Promise<T[]> {
  const location = locate(path);
  if (location.kind === "postgres") {
    const connection = await connectTo(location);
    try {
      return (await connection.query(toPostgres(sql), args)).rows;
    } finally {
      await connection.end();
    }
  }
  const client = createClient({ url: `file:${path}`, timeout: 5000 });
  try {
    return (await client.execute({ sql, args })).rows.map((row) => ({ ...row })) as T[];
  } finally {
    client.close();
  }
}
