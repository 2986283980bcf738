/**
 * Judges: any asynchronous grader made into a signal of the sessions it grades, off the agent's path.
 *
 * A judge is blind: it sees what went in and what came out, and neither the arm nor the config, and it runs outside of
 * the session, so that what it does itself (its model's calls, its tokens, its own dethrone project) is not the session's.
 * Which sessions it grades depends on their ids alone.
 */
import { AsyncResource } from "node:async_hooks";
import { DethroneError, isDethroneError } from "../../core/errors.js";
import { BUCKET_COUNT, type Salt, saltedBucketOf, saltOf } from "../../core/sessions/assignment.js";
import type { SignalKind } from "../../core/sessions/score.js";
import { breathe } from "../../engine/breathe.js";
import { FailureLog } from "../../engine/failure-log.js";
import type { Clock, Logger } from "../../engine/ports.js";
import { runOutsideSessions } from "../../engine/sessions/current-session.js";
import { checkedSignal, type SignalInput } from "../../engine/sessions/session.js";
import { checkCount, checkMs, refuseSetting } from "../settings.js";

/** What a judge grades. */
export interface Sample<Input = unknown, Output = unknown> {
  readonly input: Input;
  readonly output: Output;
}

/** A judgement: a boolean, or a number in [0, 1]; of a metric any finite number. Undefined: none. */
export type Grade = number | boolean | undefined;

/** Grades a sample. `abortSignal` fires when its time is up. What it throws or rejects with is tried again. */
export type Grader<Input = unknown, Output = unknown> = (
  sample: Sample<Input, Output>,
  given: { readonly abortSignal: AbortSignal },
) => Grade | Promise<Grade>;

/** How a judge works, whatever it grades by. */
export interface JudgeSettings {
  /** of the signal */
  readonly name: string;
  /** of the grader: another prompt, model or pattern is another version. The signal's source is `judge:name@version`. */
  readonly version: string;
  /** `explicit` (the default) and `implicit` bear on the score; a `metric` does not */
  readonly kind?: SignalKind | "metric";
  /** share of the sessions that are graded, in (0, 1]; default 1 */
  readonly sample?: number;
  /** judges of one seed sample the same sessions; default: the name */
  readonly seed?: string;
  /** how often a grade that failed is tried again; default 2 */
  readonly retries?: number;
  /** longest wait for one grade, in milliseconds; default 60,000 */
  readonly timeoutMs?: number;
  /** most grades under way at once; default 4 */
  readonly concurrency?: number;
  /** most samples that wait; further ones are dropped, and counted; default 1000 */
  readonly capacity?: number;
  /** where failures go: the first, the tenth, the hundredth, ...; default: standard error */
  readonly logger?: Logger;
  /** for tests; default: the system's timers, which keep the process alive while something is graded */
  readonly clock?: Pick<Clock, "after">;
}

/** How a judge grades, and by what. */
export interface JudgeOptions<Input = unknown, Output = unknown> extends JudgeSettings {
  readonly grade: Grader<Input, Output>;
}

/** What a judge needs of a session: a `Session` has it, and so has `{ id, signal: (s) => engine.signal(id, s) }`. */
export interface JudgedSession {
  readonly id: string;
  signal(signal: SignalInput): Promise<unknown>;
}

/** What became of what a judge was given. Counters only rise. */
export interface JudgeCounts {
  /** recorded as signals, the same judgement again included */
  readonly graded: number;
  /** recorded after the session had settled, so that they do not count: it was ended with a score, or its window is over */
  readonly late: number;
  /** sessions that are not of the sample */
  readonly unsampled: number;
  /** samples for which there was no room */
  readonly dropped: number;
  /** samples of which the grader had no opinion */
  readonly abstained: number;
  /** samples whose last try failed, or whose signal could not be recorded */
  readonly failed: number;
}

interface Job<Input, Output> {
  readonly session: JudgedSession;
  readonly sample: Sample<Input, Output>;
  readonly key: string;
  readonly scope: AsyncResource;
  readonly done: () => void;
}

const RETRY_MS = 1000;
const SOURCE_LENGTH_MAX = 200;

const timers: Pick<Clock, "after"> = {
  after(ms, fn) {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Makes a judge.
 *
 * A session that is ended with a score settles at once and takes no judgement: leave the score to the judge, by ending
 * without one.
 *
 * @throws DethroneError `settings_invalid`
 * @example
 * const helpful = judge({ name: "helpful", version: "3", sample: 0.2, grade: ({ input, output }) => askModel(input, output) });
 * helpful.submit(session, { input: question, output: answer }); // returns at once
 * await helpful.flush();
 */
export function judge<Input = unknown, Output = unknown>(
  options: JudgeOptions<Input, Output>,
): Judge<Input, Output> {
  return new Judge(options);
}

/** A judge at work. */
export class Judge<Input = unknown, Output = unknown> {
  /** of its signals: `judge:name@version` */
  readonly source: string;
  readonly #options: Required<Omit<JudgeOptions<Input, Output>, "seed" | "logger">>;
  readonly #salt: Salt;
  readonly #failures: FailureLog;
  readonly #waiting: Job<Input, Output>[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #running = 0;
  readonly #counts = { graded: 0, late: 0, unsampled: 0, dropped: 0, abstained: 0, failed: 0 };

  constructor(options: JudgeOptions<Input, Output>) {
    this.#options = checked(options);
    this.source = `judge:${options.name}@${options.version}`;
    this.#salt = saltOf(2, `judge:${options.seed ?? options.name}`);
    this.#failures = new FailureLog(options.logger);
  }

  get counts(): JudgeCounts {
    return { ...this.#counts };
  }

  /**
   * Takes a session to be graded, if it is of the sample; returns at once, and never throws.
   *
   * @param sample the grader sees these objects themselves, later: who changes them changes what is judged
   * @param turn what distinguishes several judgements of one session; without one it is judged once
   */
  submit(session: JudgedSession, sample: Sample<Input, Output>, turn?: string): void {
    try {
      const { id } = session;
      if (this.#isSampled(id)) this.#take(session, sample, turn);
      else this.#counts.unsampled += 1;
    } catch (error) {
      this.#fail(error, null);
    }
  }

  #isSampled(id: string): boolean {
    return saltedBucketOf(this.#salt, id) < this.#options.sample * BUCKET_COUNT;
  }

  #take(session: JudgedSession, { input, output }: Sample<Input, Output>, turn: string | undefined): void {
    if (this.#waiting.length >= this.#options.capacity) {
      this.#counts.dropped += 1;
      const error = new DethroneError("queue_full", "Too many samples wait to be judged.");
      this.#failures.note("a sample is dropped", error, { judge: this.source });
      return;
    }
    const key = turn === undefined ? this.source : `${this.source}:${turn}`;
    const scope = new AsyncResource("DETHRONE_JUDGE");
    const graded = new Promise<void>((done) => {
      this.#waiting.push({ session, sample: { input, output }, key, scope, done });
    });
    this.#underWay.add(graded);
    void graded.then(() => this.#underWay.delete(graded));
    this.#next();
  }

  #fail(error: unknown, sessionId: string | null): void {
    this.#counts.failed += 1;
    this.#failures.note("a session could not be judged", error, { judge: this.source, sessionId });
  }

  /** Resolves when everything submitted so far is recorded, has failed or has been dropped. */
  async flush(): Promise<void> {
    await Promise.all([...this.#underWay]);
  }

  #next(): void {
    if (this.#running >= this.#options.concurrency) return;
    const job = this.#waiting.shift();
    if (!job) return;
    this.#running += 1;
    // In the context of whoever submitted it, not of the job that has just made room, and in nobody's session.
    void job.scope.runInAsyncScope(() => runOutsideSessions(() => this.#run(job)));
  }

  async #run({ session, sample, key, done }: Job<Input, Output>): Promise<void> {
    try {
      // A later turn: a grader that is synchronous is off the agent's path too.
      await breathe();
      const grade = await this.#gradeWithRetries(sample);
      if (grade === undefined) this.#counts.abstained += 1;
      else await this.#record(session, { ...this.#signal(grade), key });
    } catch (error) {
      this.#fail(error, session.id);
    }
    this.#running -= 1;
    this.#next();
    done();
  }

  async #record(session: JudgedSession, signal: SignalInput): Promise<void> {
    try {
      const receipt = await session.signal(signal);
      this.#counts[Object(receipt).status === "late" ? "late" : "graded"] += 1;
    } catch (error) {
      if (!isDethroneError(error) || error.code !== "idempotency_mismatch") throw error;
      // Judged before, by a grader that is not of the same mind every time: the first judgement stands.
      this.#counts.graded += 1;
    }
  }

  async #gradeWithRetries(sample: Sample<Input, Output>): Promise<Grade> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#gradeInTime(sample);
      } catch (error) {
        if (attempt >= this.#options.retries) throw error;
      }
      await new Promise<void>((resolve) => {
        this.#options.clock.after(RETRY_MS * 2 ** attempt, resolve);
      });
    }
  }

  /** One try. @throws what the grader does; a TimeoutError; DethroneError `signal_invalid` for what is no grade */
  #gradeInTime(sample: Sample<Input, Output>): Promise<Grade> {
    const { grade, timeoutMs, clock } = this.#options;
    const controller = new AbortController();
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        const error = new DOMException(`The judge took longer than ${timeoutMs} ms.`, "TimeoutError");
        controller.abort(error);
        reject(error);
      });
      const graded = async (): Promise<Grade> => {
        const given = await grade(sample, { abortSignal: controller.signal });
        if (given !== undefined) checkedSignal(this.#signal(given));
        return given;
      };
      graded().then(resolve, reject).finally(cancel);
    });
  }

  #signal(value: number | boolean): SignalInput {
    const { name, kind } = this.#options;
    return { name, value, source: this.source, ...(kind !== "metric" && { kind }) };
  }
}

/** The options with defaults. @throws DethroneError `settings_invalid` */
function checked<Input, Output>(
  options: JudgeOptions<Input, Output>,
): Required<Omit<JudgeOptions<Input, Output>, "seed" | "logger">> {
  const { name, version, grade, clock = timers, kind = "explicit" } = options;
  const { sample = 1, retries = 2, timeoutMs = 60_000, concurrency = 4, capacity = 1000 } = options;
  for (const [field, value] of Object.entries({ name, version })) {
    const isText = typeof value === "string" && value !== "";
    if (!isText) refuseSetting(field, value, "a text of 1 or more characters");
  }
  const source = `judge:${name}@${version}`;
  if (source.length > SOURCE_LENGTH_MAX)
    refuseSetting("version", version, `such that ${source} has 200 characters at most`);
  if (typeof grade !== "function") refuseSetting("grade", grade, "a function of { input, output }");
  if (!["explicit", "implicit", "metric"].includes(kind))
    refuseSetting("kind", kind, "explicit, implicit or metric");
  if (!(sample > 0 && sample <= 1)) refuseSetting("sample", sample, "a share in (0, 1]");
  checkCount("retries", retries, 0);
  checkMs("timeoutMs", timeoutMs);
  checkCount("concurrency", concurrency);
  checkCount("capacity", capacity);
  return { name, version, grade, kind, sample, retries, timeoutMs, concurrency, capacity, clock };
}
