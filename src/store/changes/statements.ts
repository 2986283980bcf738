/**
 * What the statements of changes are built with, and the rows that several changes add.
 */
import { and, eq, is, Param, Placeholder, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/libsql";
import type { AuditEntry, NewConfig } from "../../engine/ports.js";
import { auditLog, configs, projectConfigs, projects, reigns } from "../schema/main.js";
import type { Value, WriteStatement } from "../writer/write-protocol.js";

/** Builds statements and never runs one: running is the writer's. */
export const builder = drizzle.mock();

interface Built {
  toSQL(): { sql: string; params: unknown[] };
}

/** The statement; `changes` makes it a guard. */
export function statement(built: Built, changes?: number): WriteStatement {
  const { sql: text, params } = built.toSQL();
  return { sql: text, params: params as Value[], ...(changes === undefined ? {} : { changes }) };
}

/** A place in a {@link template}. */
export const given = (name: string) => sql.placeholder(name) as never;

/** A statement of ticks, which write the same thousands of times: built once, with a place for each value. */
export function template(
  built: Built,
  changes?: number,
): (values: Record<string, unknown>) => WriteStatement {
  const { params, ...rest } = statement(built, changes);
  const places = (params as unknown[]).map(placeOf);
  return (values) => ({ ...rest, params: places.map((place) => place(values)) });
}

type Values = Record<string, unknown>;

/** How a parameter of a template is filled: looked into once, as fillPlaceholders does each time. */
function placeOf(param: unknown): (values: Values) => Value {
  if (is(param, Placeholder)) return (values) => valueIn(values, param.name) as Value;
  // Only what has still to be filled has kept its encoder.
  if (!is(param, Param) || !is(param.value, Placeholder)) return () => param as Value;
  const { name } = param.value;
  return (values) => param.encoder.mapToDriverValue(valueIn(values, name)) as Value;
}

function valueIn(values: Values, name: string): unknown {
  if (name in values) return values[name];
  throw new Error(`the template is not given its '${name}'`);
}

/** Ids of rows that may have been added a statement before. */
export const configIdOf = (hash: string) => sql`(SELECT id FROM configs WHERE hash = ${hash})`;
/** See {@link configIdOf}. */
export const projectIdOf = (key: string) => sql`(SELECT id FROM projects WHERE key = ${key})`;
/** See {@link configIdOf}. */
export const experimentIdOf = (uid: string) => sql`(SELECT id FROM experiments WHERE uid = ${uid})`;

/** See `OpenDatabase`: SQLite keeps the numbers in a table, for those tables that give any out. */
export function raiseSequence({ name }: { readonly name: string }, above: number): WriteStatement[] {
  if (above === 0) return [];
  return [
    {
      sql: "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
      params: [name, name],
    },
    { sql: "UPDATE sqlite_sequence SET seq = ? WHERE name = ? AND seq < ?", params: [above, name, above] },
  ];
}

/** The config, unless it is stored. */
export function addConfig(config: NewConfig, atMs: number): WriteStatement {
  return statement(
    builder
      .insert(configs)
      .values({ ...config, createdAtMs: atMs })
      .onConflictDoNothing({ target: configs.hash }),
  );
}

/** A line of the audit log. */
export function addAudit(
  entry: AuditEntry,
  where: { projectId: unknown; experimentId: unknown },
): WriteStatement {
  return statement(
    builder.insert(auditLog).values({
      ...entry,
      projectId: where.projectId as number,
      experimentId: where.experimentId as number | null,
    }),
  );
}

/** A config's place in its project's lineage: its first one stays, and so does its first label. */
export function addProjectConfig(input: {
  projectId: unknown;
  hash: string;
  parentConfigId: number | null;
  label: string | null;
  audit: AuditEntry;
}): WriteStatement {
  const { projectId, hash, parentConfigId, label, audit } = input;
  const { actor, reason, atMs } = audit;
  return statement(
    builder
      .insert(projectConfigs)
      .values({
        projectId: projectId as number,
        configId: configIdOf(hash) as never,
        parentConfigId,
        label,
        actor,
        reason,
        addedAtMs: atMs,
      })
      .onConflictDoUpdate({
        target: [projectConfigs.projectId, projectConfigs.configId],
        set: { label: sql`coalesce(project_configs.label, excluded.label)` },
      }),
  );
}

/** The new champion and its reign, provided that the old one is still there. */
export function moveChampion(input: {
  projectId: number;
  fromConfigId: number;
  toConfigId: number;
  cause: "promoted" | "rollback";
  atMs: number;
}): WriteStatement[] {
  const { projectId, fromConfigId, toConfigId, cause, atMs } = input;
  const isFrom = and(eq(projects.id, projectId), eq(projects.championConfigId, fromConfigId));
  return [
    statement(builder.update(projects).set({ championConfigId: toConfigId }).where(isFrom), 1),
    statement(builder.insert(reigns).values({ projectId, configId: toConfigId, cause, startedAtMs: atMs })),
  ];
}
