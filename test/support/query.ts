import { createClient } from "@libsql/client";

/** The rows of a query on the database file at a path, past the store. */
export async function query<T>(path: string, sql: string, args: (string | number)[] = []): Promise<T[]> {
  const client = createClient({ url: `file:${path}`, timeout: 5000 });
  try {
    return (await client.execute({ sql, args })).rows.map((row) => ({ ...row })) as T[];
  } finally {
    client.close();
  }
}
