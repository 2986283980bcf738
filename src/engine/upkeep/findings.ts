/**
 * What the state of a database means: each finding with its severity, a sentence, and what to do. Data in, data out.
 */
import { plural } from "../../core/words/numbers.js";
import { DAY_MS } from "../duration.js";
import type { StalledQueue } from "../experiments/queue.js";
import type {
  BrokenRule,
  DatabaseFacts,
  InvariantRule,
  RunningFacts,
  StoredCounts,
  StoredEvaluation,
  StoredFile,
  WebhookBacklog,
} from "../ports.js";
import type { EvidenceCheck } from "./evidence-check.js";

/** `problem`: something is wrong and needs a person; `warning`: it may become so; `ok`: it was looked at. */
export type Severity = "ok" | "warning" | "problem";

/** One thing that was looked at. */
export interface Finding {
  readonly severity: Severity;
  /** what was looked at, a stable name */
  readonly check: string;
  /** one sentence */
  readonly message: string;
  /** what to do; null where there is nothing to be done */
  readonly advice: string | null;
}

/** Everything the findings are made of. */
export interface DoctorFacts {
  readonly nowMs: number;
  readonly database: DatabaseFacts;
  readonly counts: StoredCounts;
  readonly brokenRules: readonly BrokenRule[];
  readonly running: readonly RunningFacts[];
  readonly stalledQueues: readonly StalledQueue[];
  /** running experiments whose newest evaluation needs review */
  readonly reviews: readonly Pick<StoredEvaluation, "project" | "experiment" | "review">[];
  readonly webhooks: readonly WebhookBacklog[];
  /** null where it was not asked for */
  readonly verification: Verification | null;
}

/** What recomputing everything gave. */
export interface Verification {
  readonly experiments: number;
  readonly units: number;
  readonly archives: number;
  readonly decisions: number;
  readonly differentEvidence: readonly EvidenceCheck[];
  readonly differentDecisions: readonly {
    readonly decision: string;
    readonly experiment: string;
    readonly differences: readonly string[];
  }[];
}

const HOUR_MS = 3_600_000;
const WAL_LARGE = 256 * 2 ** 20;
const FREE_LARGE = 64 * 2 ** 20;

const ok = (check: string, message: string): Finding => ({ severity: "ok", check, message, advice: null });
const warning = (check: string, message: string, advice: string): Finding => ({
  severity: "warning",
  check,
  message,
  advice,
});
const problem = (check: string, message: string, advice: string): Finding => ({
  ...warning(check, message, advice),
  severity: "problem",
});

/** "3 days", "5 hours", "2 minutes". */
function ageText(ms: number): string {
  const [amount, unit] =
    ms >= 2 * DAY_MS
      ? [ms / DAY_MS, "days"]
      : ms >= 2 * HOUR_MS
        ? [ms / HOUR_MS, "hours"]
        : [ms / 60_000, "minutes"];
  return `${Math.floor(amount)} ${unit}`;
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

const TICK_ADVICE =
  "Run 'dethrone decide --every 5m' as a service, or engine.schedule() in one of your processes.";
const RESTORE_ADVICE =
  "Stop what writes to it, keep a copy of the file and its -wal, and go back to a backup.";

function integrity({ database }: DoctorFacts): Finding[] {
  const { damages, danglingRows } = database;
  return [
    damages.length === 0
      ? ok("integrity", "The database finds itself sound.")
      : problem("integrity", `The database is damaged: ${damages[0]}.`, RESTORE_ADVICE),
    danglingRows.length === 0
      ? ok("references", "Every reference leads to a row.")
      : problem(
          "references",
          `Rows refer to others that are not there: ${danglingRows.map(({ table, rows }) => `${rows} in ${table}`).join(", ")}.`,
          "Something other than dethrone has deleted rows. Go back to a backup, or report it.",
        ),
  ];
}

function space({ database }: DoctorFacts): Finding[] {
  const { walBytes, freePages, pageBytes } = database;
  const freeBytes = freePages * pageBytes;
  return [
    walBytes < WAL_LARGE
      ? ok("log-size", "The write-ahead log is of ordinary size.")
      : warning(
          "log-size",
          `The write-ahead log beside the database has grown to ${megabytes(walBytes)}.`,
          "A process that keeps a read open holds it back; it shrinks once that process ends.",
        ),
    ...(freeBytes < FREE_LARGE
      ? []
      : [
          warning(
            "free-pages",
            `${megabytes(freeBytes)} of the file are free, and will be used for new rows.`,
            "To give them back to the file system: 'dethrone prune --older-than 90d --vacuum'.",
          ),
        ]),
  ];
}

const RULES: Record<InvariantRule, string> = {
  "one-champion-arm": "an experiment has one champion's arm and at least one challenger's",
  "buckets-sum": "the arms of a running experiment share out all 10,000 buckets",
  "folded-sequence": "nothing is folded that was never assigned",
  "one-terminal-decision": "an experiment that has ended has one terminal decision, and no other has one",
  "champion-reigns": "a project's champion is the config of its newest reign",
  "unit-has-session": "every stored unit has the session that claimed it",
  "archive-complete": "an archive has as many units as it says, and its experiment has ended",
};

function invariants({ brokenRules }: DoctorFacts): Finding[] {
  if (brokenRules.length === 0) {
    return [ok("invariants", `All ${Object.keys(RULES).length} rules that must hold do.`)];
  }
  return brokenRules.map(({ rule, subjects }) =>
    problem(
      rule,
      `A rule does not hold, that ${RULES[rule]}: ${subjects.join(", ")}.`,
      "Pause what is running, keep a copy of the database, and report it.",
    ),
  );
}

function ticking({ counts, running, nowMs }: DoctorFacts): Finding[] {
  const { overdue, oldestOverdueAtMs, lastTickAtMs } = counts;
  const since =
    lastTickAtMs === null
      ? "no tick has left a trace yet"
      : `the last tick was ${ageText(nowMs - lastTickAtMs)} ago`;
  const lateMs = oldestOverdueAtMs === null ? 0 : nowMs - oldestOverdueAtMs;
  if (overdue === 0 || lateMs < HOUR_MS) {
    return [ok("ticking", "No session has waited to be settled for more than an hour.")];
  }
  const message = `${overdue} sessions wait to be settled, one for ${ageText(lateMs)} since its window ended; ${since}.`;
  const isStuck = lateMs >= DAY_MS && running.some(({ isPaused }) => !isPaused);
  return [(isStuck ? problem : warning)("ticking", message, TICK_ADVICE)];
}

function experiments({ running, nowMs }: DoctorFacts): Finding[] {
  return running.flatMap((each): Finding[] => {
    const { project, isPaused, isAwaitingApproval, foldedAtMs, startedAtMs, unfolded, lastSessionAtMs } =
      each;
    if (isAwaitingApproval) {
      const advice = `'dethrone report ${project}', then 'dethrone approve ${project}' or 'dethrone decline ${project}'.`;
      return [warning("approval", `A promotion in '${project}' waits for a person.`, advice)];
    }
    if (isPaused) return [];
    const stillMs = nowMs - (foldedAtMs ?? startedAtMs);
    if (unfolded > 0 && stillMs >= HOUR_MS) {
      const many = unfolded >= 1000 ? "1,000 or more" : String(unfolded);
      const message = `In '${project}' ${many} settled units wait to be folded; the evidence has not grown for ${ageText(stillMs)}.`;
      const advice = `${TICK_ADVICE} Each unit waits for those assigned before it, at most until their windows end.`;
      return [warning("folding", message, advice)];
    }
    const quietMs = nowMs - (lastSessionAtMs ?? startedAtMs);
    if (quietMs < 7 * DAY_MS) return [];
    const message = `The experiment in '${project}' has had no session for ${ageText(quietMs)}.`;
    return [warning("traffic", message, `Does the agent still run? If not: 'dethrone abort ${project}'.`)];
  });
}

function governance({ stalledQueues, reviews }: DoctorFacts): Finding[] {
  return [
    ...stalledQueues.map(({ project, count, message }) =>
      warning(
        "queue",
        `In '${project}' ${plural(count, "challenger waits", "challengers wait")} with the slot free. ${message}`,
        `'dethrone queue ${project}'`,
      ),
    ),
    ...reviews.map(({ project, experiment, review }) =>
      warning(
        "review",
        `In '${project}' the criteria disagree. ${review.map(({ message }) => message).join(" ")}`,
        `'dethrone report ${project} --experiment ${experiment}'`,
      ),
    ),
  ];
}

const sizeOf = (files: readonly StoredFile[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);

function leftovers({ database, counts, nowMs }: DoctorFacts): Finding[] {
  const { spoolFiles } = database;
  const stuck = counts.expiredLeases.filter(({ expiresAtMs }) => nowMs - expiresAtMs >= HOUR_MS);
  return [
    ...(spoolFiles.length === 0
      ? []
      : [
          warning(
            "spool",
            `Outcomes wait beside the database, ${megabytes(sizeOf(spoolFiles))} in ${spoolFiles.map(({ name }) => name).join(", ")}.`,
            "They are stored when the process that wrote them, or the next one, reaches the database.",
          ),
        ]),
    ...stuck.map(({ name, holder, expiresAtMs }) =>
      warning(
        "lease",
        `The lease '${name}' of ${holder} expired ${ageText(nowMs - expiresAtMs)} ago and nobody has taken it since.`,
        TICK_ADVICE,
      ),
    ),
  ];
}

function toldWebhooks({ webhooks, nowMs }: DoctorFacts): Finding[] {
  return webhooks.flatMap(({ webhook, url, failing, oldestAtMs, dead }): Finding[] => {
    const see = `'dethrone webhooks deliveries --webhook ${webhook}' tells why`;
    if (dead > 0) {
      const message = `${plural(dead, "event")} did not reach the webhook ${url} in three days; nobody tries again.`;
      const advice = `${see}. Once it answers: 'dethrone webhooks retry --dead ${webhook}'.`;
      return [problem("webhook", message, advice)];
    }
    const lateMs = oldestAtMs === null ? 0 : nowMs - oldestAtMs;
    if (failing === 0 && lateMs < HOUR_MS) return [];
    const what =
      failing === 0 ? "Events wait" : `${plural(failing, "event")} could not be delivered and wait`;
    const message = `${what} for the webhook ${url}, the oldest for ${ageText(lateMs)}.`;
    return [warning("webhook", message, `${see}, 'dethrone webhooks test ${webhook}' tries it now.`)];
  });
}

function verified({ verification }: DoctorFacts): Finding[] {
  if (!verification) return [];
  const { differentEvidence, differentDecisions } = verification;
  const advice = "Keep a copy of the database and report it; 'dethrone verify' has the differences.";
  return [
    ...(differentEvidence.length === 0
      ? [ok("evidence", "Folded from zero, every experiment gives its evidence bit for bit.")]
      : differentEvidence.map(({ project, experiment, differences }) =>
          problem(
            "evidence",
            `Folded from zero, experiment ${experiment} of '${project}' gives other evidence: ${differences[0]}.`,
            advice,
          ),
        )),
    ...(differentDecisions.length === 0
      ? [ok("decisions", "Every stored decision recomputes to the same.")]
      : differentDecisions.map(({ decision, experiment, differences }) =>
          problem(
            "decisions",
            `Decision ${decision} of ${experiment} recomputes to another: ${differences[0]}.`,
            advice,
          ),
        )),
  ];
}

/** All findings, in the order in which they were looked for. */
export function findingsOf(facts: DoctorFacts): Finding[] {
  return [
    integrity,
    space,
    invariants,
    ticking,
    experiments,
    governance,
    leftovers,
    toldWebhooks,
    verified,
  ].flatMap((look) => look(facts));
}
