/**
 * Imports what other systems have recorded: a file of any size, read once, its records mapped, gathered into sessions and
 * recorded outside of every experiment.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { DethroneError, isDethroneError, type JsonObject, received } from "../../core/errors.js";
import type { EngineContext } from "../context.js";
import { checkActor, DEFAULT_ACTOR } from "../experiments/audit.js";
import { requireProject } from "../experiments/lookup.js";
import { settleDue } from "../experiments/tick.js";
import type { OpenFile } from "../transfer/lines.js";
import { detectFormat, FORMATS, type ImportFormat } from "./formats.js";
import { type Gathered, Gathering } from "./gather.js";
import { checkedMapping, type Mapping, mapRecord } from "./mapping.js";
import { PastRecorder, type RecorderCounts } from "./past-recorder.js";
import type { PastSession, Place, Refusal } from "./past-session.js";
import { beginningOf, type ReadValue, readValues } from "./read-records.js";

/** How a file is imported. */
export interface ImportOptions {
  /** what wrote it; default: found out by its beginning */
  readonly format?: ImportFormat | undefined;
  /** which of its fields are what; what it leaves out is as the format has it */
  readonly mapping?: Mapping | undefined;
  /** find out what would be imported, but write nothing */
  readonly dryRun?: boolean | undefined;
  /** pass over sessions that have been imported and settled before, instead of comparing them again */
  readonly resume?: boolean | undefined;
  /** dotted paths of fields of a config that look like secrets and are none */
  readonly allowSecrets?: readonly string[] | undefined;
  readonly actor?: string | undefined;
}

/** What was imported, or would be. */
export interface ImportResult extends Readonly<RecorderCounts> {
  readonly project: string;
  readonly format: ImportFormat;
  readonly isDryRun: boolean;
  /** read, those included that say nothing of a session */
  readonly records: number;
  /** records and sessions that could not be taken */
  readonly refused: number;
  /** the first twenty of these */
  readonly refusals: readonly Refusal[];
}

const REFUSALS_SHOWN = 20;
const BATCH_SESSIONS = 1000;
/** Rows of a batch: the writer stores so many in one transaction. A session of more is a batch by itself. */
const BATCH_ROWS = 2000;

interface Import {
  readonly format: ImportFormat;
  readonly mapping: Mapping;
  readonly values: AsyncIterable<ReadValue>;
}

/** @throws DethroneError `input_invalid`, `mapping_invalid` */
async function opened(open: OpenFile, options: ImportOptions): Promise<Import> {
  const given = options.mapping === undefined ? {} : checkedMapping(options.mapping);
  const beginning = await beginningOf(open);
  const format = options.format ?? detectFormat(beginning);
  if (!Object.hasOwn(FORMATS, format)) {
    const allowed = Object.keys(FORMATS);
    throw new DethroneError(
      "input_invalid",
      `There is no format '${format}'; there are ${allowed.join(", ")}.`,
      {
        received: received(format),
        allowed,
      },
    );
  }
  const rules = FORMATS[format];
  return { format, mapping: { ...rules.mapping, ...given }, values: readValues(open, beginning, rules) };
}

/** One import. */
class Importing {
  readonly refusals: Refusal[] = [];
  records = 0;
  refused = 0;
  readonly #gathering = new Gathering();
  readonly #isIdNeeded: boolean;

  constructor(options: ImportOptions) {
    this.#isIdNeeded = options.mapping?.session !== undefined;
  }

  refuse(refusal: Refusal): void {
    this.refused += 1;
    if (this.refusals.length < REFUSALS_SHOWN) this.refusals.push(refusal);
  }

  /** Sessions as they become complete. */
  async *sessions({ format, mapping, values }: Import): AsyncGenerator<Gathered> {
    for await (const { place, value, problem } of values) {
      this.records += 1;
      if (value === null) {
        this.refuse({ place, reason: problem ?? "" });
        continue;
      }
      for (const record of FORMATS[format].records(value)) {
        const session = this.#mapped(mapping, record, place);
        const complete = session && this.#gathering.add({ session, place });
        if (complete) yield complete;
      }
    }
    yield* this.#gathering.rest();
  }

  #mapped(
    mapping: Mapping,
    record: JsonObject,
    place: Place,
  ): (PastSession & { readonly id: string }) | null {
    try {
      const session = mapRecord(mapping, record);
      if (session.id !== null) return { ...session, id: session.id };
      if (this.#isIdNeeded) {
        this.refuse({ place, reason: "it lacks the session's id" });
        return null;
      }
      // The same file gives the same ids, and two sessions that went alike are two.
      const digest = bytesToHex(sha256(utf8ToBytes(JSON.stringify(record)))).slice(0, 32);
      return { ...session, id: `${digest}-${place.replace(" ", "-")}` };
    } catch (error) {
      if (!isDethroneError(error)) throw error;
      this.refuse({ place, reason: error.message });
      return null;
    }
  }
}

async function* batches(sessions: AsyncIterable<Gathered>): AsyncGenerator<Gathered[]> {
  let batch: Gathered[] = [];
  let rows = 0;
  for await (const gathered of sessions) {
    const more = 2 + gathered.session.signals.length;
    if (batch.length === BATCH_SESSIONS || (batch.length > 0 && rows + more > BATCH_ROWS)) {
      yield batch;
      [batch, rows] = [[], 0];
    }
    batch.push(gathered);
    rows += more;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Imports the sessions of a file into a project.
 *
 * @throws DethroneError `project_not_found`, `mapping_invalid`; `input_invalid` where the file is no JSON after some
 *   records, which are imported by then, or has more than 500 configs
 */
export async function importSessions(
  context: EngineContext,
  key: string,
  open: OpenFile,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const { dryRun: isDryRun = false, resume: isResume = false, actor = DEFAULT_ACTOR, allowSecrets } = options;
  checkActor(actor);
  const store = context.requireStore();
  const project = await requireProject(store, key);
  const source = await opened(open, options);
  const importing = new Importing(options);
  const settings = {
    context,
    store,
    project,
    format: source.format,
    actor,
    allowSecrets,
    isDryRun,
    isResume,
  };
  const recorder = new PastRecorder(settings, (refusal) => importing.refuse(refusal));
  for await (const batch of batches(importing.sessions(source))) await recorder.record(batch);
  const { counts } = recorder;
  if (!isDryRun) {
    // What has no score of its own gets it from its signals.
    await settleDue(context, store, key);
    if (counts.sessions + counts.signals > 0) {
      const details = { format: source.format, sessions: counts.sessions, signals: counts.signals };
      const entry = { action: "imported", actor, reason: null, details, atMs: context.clock.now() };
      await store.upkeep.addAuditEntry(project.id, entry);
    }
  }
  const { records, refused, refusals } = importing;
  return { project: key, format: source.format, isDryRun, records, ...counts, refused, refusals };
}
