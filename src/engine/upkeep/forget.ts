/**
 * Erases a person's data and keeps the evidence: what names the unit is replaced by names made for the purpose, and what
 * the host said of its sessions goes, except for what the tests of an experiment look at.
 */
import type { Policy } from "../../core/decision/policy.js";
import { DethroneError, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { auditByHand, type ByHand } from "../experiments/audit.js";
import { requireProject } from "../experiments/lookup.js";
import type { Redaction, Store, UnitAuditEntry, UnitSession, UnitTraces } from "../ports.js";
import { neededContext } from "./needed-context.js";

/** How a unit is forgotten. */
export interface ForgetOptions extends ByHand {
  /** only in this project; default: in all */
  readonly project?: string | undefined;
  /** find out, but change nothing */
  readonly dryRun?: boolean | undefined;
}

/** What was erased, or would be. */
export interface ForgetResult {
  readonly isDryRun: boolean;
  /** sessions of the unit, and those that are a part of them */
  readonly sessions: number;
  /** of these, not settled: no outcome can reach them any more, so they leave the evidence */
  readonly openSessions: number;
  readonly experiments: number;
  readonly overrides: number;
  readonly auditEntries: number;
  /** false where another process kept the file from being rewritten: then traces remain until it is forgotten again */
  readonly isErased: boolean;
}

/** What stands in the place of the unit in the audit log. */
const FORGOTTEN = "(forgotten)";

/** Sessions rewritten in one transaction. */
const BATCH = 250;

interface Found {
  readonly unit: string;
  readonly sessions: readonly UnitSession[];
  readonly traces: UnitTraces;
}

interface Names {
  readonly policies: ReadonlyMap<number, Policy>;
  readonly newUnits: ReadonlyMap<number, string>;
}

/** @throws DethroneError `input_invalid` */
function checkUnit(unit: unknown): void {
  if (typeof unit === "string" && unit !== "") return;
  throw new DethroneError("input_invalid", "A unit must be a text.", { received: received(unit) });
}

function redactionOf(context: EngineContext, session: UnitSession, found: Found, names: Names): Redaction {
  const { seq, id, experimentId, unit } = session;
  const policy = experimentId === null ? null : (names.policies.get(experimentId) ?? null);
  const ownName = experimentId === null ? null : (names.newUnits.get(experimentId) ?? null);
  return {
    seq,
    sessionId: id,
    newSessionId: context.ids.next(),
    experimentId,
    unit,
    // A part of its sessions may be of another unit, which is not forgotten.
    newUnit: unit === found.unit ? ownName : unit,
    context: neededContext(session.context, policy),
    isOpen: !session.isSettled,
  };
}

function redactedEntry(unit: string, { reason, details, ...rest }: UnitAuditEntry): UnitAuditEntry {
  return {
    ...rest,
    reason: reason?.replaceAll(unit, FORGOTTEN) ?? null,
    details: { ...details, unit: FORGOTTEN },
  };
}

async function rewrite(context: EngineContext, store: Store, found: Found): Promise<void> {
  const { unit, sessions, traces } = found;
  const ofSessions = sessions.flatMap(({ experimentId }) => (experimentId === null ? [] : [experimentId]));
  const experimentIds = [...new Set([...traces.experimentIds, ...ofSessions])];
  const names: Names = {
    policies: await store.policies(experimentIds),
    newUnits: new Map(experimentIds.map((id) => [id, context.ids.next()])),
  };
  for (let from = 0; from < sessions.length; from += BATCH) {
    const redactions = sessions
      .slice(from, from + BATCH)
      .map((session) => redactionOf(context, session, found, names));
    const nothingElse = { newUnits: new Map(), overrideExperimentIds: [], auditEntries: [], audit: [] };
    await store.upkeep.forget({ unit, redactions, ...nothingElse });
  }
  await store.upkeep.forget({
    unit,
    redactions: [],
    newUnits: names.newUnits,
    overrideExperimentIds: traces.overrideExperimentIds,
    auditEntries: traces.auditEntries.map((entry) => redactedEntry(unit, entry)),
    audit: [],
  });
}

async function log(store: Store, found: Found, entry: ReturnType<typeof auditByHand>): Promise<void> {
  const { sessions, traces } = found;
  const projectIds = new Set([...sessions, ...traces.auditEntries].map(({ projectId }) => projectId));
  const { reason } = entry;
  const named = { ...entry, reason: reason?.replaceAll(found.unit, FORGOTTEN) ?? null };
  for (const projectId of projectIds) {
    const count = sessions.filter((session) => session.projectId === projectId).length;
    await store.upkeep.addAuditEntry(projectId, { ...named, details: { sessions: count } });
  }
}

/**
 * Forgets a unit. Afterwards the unit is a new one, whose next session takes part like anybody's first.
 *
 * What copies of the database, outcomes that still wait beside it, and a breakdown by ten units or more say, stays. Parts
 * of its sessions in other projects are found by these sessions: once those are pruned, by a unit of their own alone.
 */
export async function forget(
  context: EngineContext,
  store: Store,
  unit: string,
  options: ForgetOptions,
): Promise<ForgetResult> {
  checkUnit(unit);
  const entry = auditByHand(context, "forgotten", options);
  const { project, dryRun = false } = options;
  const projectId = project === undefined ? null : (await requireProject(store, project)).id;
  await store.flush();
  const sessions = await store.upkeep.unitSessions(unit, projectId);
  const traces = await store.upkeep.unitTraces(unit, projectId);
  const found = { unit, sessions, traces };
  if (!dryRun) {
    await rewrite(context, store, found);
    await log(store, found, entry);
  }
  return {
    isDryRun: dryRun,
    sessions: sessions.length,
    openSessions: sessions.filter(({ isSettled }) => !isSettled).length,
    experiments: traces.experimentIds.length,
    overrides: traces.overrideExperimentIds.length,
    auditEntries: traces.auditEntries.length,
    isErased: dryRun ? false : await store.upkeep.scrub(),
  };
}
