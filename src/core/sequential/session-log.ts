/**
 * The sessions of a challenger and the champion in compact form: 17 bytes each, so that the tests of an experiment of a
 * million units can be run again without a million objects.
 */
import type { EProcessSession } from "./e-process.js";

const CAPACITY_MIN = 64;

/** Sessions as lists that grow at their end; they are read by index below `length`. */
export class SessionLog {
  #length = 0;
  #g = new Uint8Array(CAPACITY_MIN);
  #y = new Float64Array(CAPACITY_MIN);
  #w = new Float64Array(CAPACITY_MIN);

  /** sessions so far */
  get length(): number {
    return this.#length;
  }

  /** Adds a session that is known to be within its ranges. */
  push({ g, y, w }: EProcessSession): void {
    if (this.#length === this.#g.length) this.#grow();
    this.#g[this.#length] = g;
    this.#y[this.#length] = y;
    this.#w[this.#length] = w;
    this.#length += 1;
  }

  /** Reads a session into an object of the caller, which a loop can use again. */
  read(index: number, into: { -readonly [Key in keyof EProcessSession]: EProcessSession[Key] }): void {
    into.g = this.#g[index] as 0 | 1;
    into.y = this.#y[index] as number;
    into.w = this.#w[index] as number;
  }

  #grow(): void {
    const capacity = 2 * this.#length;
    const [g, y, w] = [new Uint8Array(capacity), new Float64Array(capacity), new Float64Array(capacity)];
    g.set(this.#g);
    y.set(this.#y);
    w.set(this.#w);
    [this.#g, this.#y, this.#w] = [g, y, w];
  }
}
