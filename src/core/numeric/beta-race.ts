/**
 * P(X > Y) of two Beta posteriors, kept up to date through binary outcomes at a few operations each.
 *
 * For simulation, where {@link probGreater} after every session would cost a hundred times the rest of the session.
 */
import { type BetaPair, logDensityAtEquality, probGreater } from "./beta-compare.js";

/** Updates after which G and H are computed anew. */
const ANCHOR_EVERY = 10_000;

// H can fall below the least double while one arm is far ahead, and rise again: it is kept as density / SCALE^scaled.
const SCALE = 2 ** 512;

/**
 * Two independent Betas, X and Y, to whose shapes outcomes are added one by one.
 *
 * With G = P(X > Y) and H = B(aX + aY, bX + bY)/[B(aX, bX) B(aY, bY)]: G moves by +H/aX when aX grows by 1, -H/bX with
 * bX, -H/aY with aY and +H/bY with bY, and H by the ratio of its Beta functions.
 *
 * The absolute error of `greater` stays below 1e-12, for any number of outcomes: both are computed anew after every
 * 10,000. Hence a comparison with tau is right unless P lies within 1e-12 of it; where P is as small as 1e-9, three
 * digits of it are.
 *
 * Source: J. D. Cook, Exact calculation of Beta inequalities, 2005.
 *
 * @example
 * const race = new BetaRace({ aX: 1, bX: 1, aY: 1, bY: 1 });
 * race.addX(true);
 * race.greater; // 0.666666666666667
 */
export class BetaRace {
  #aX: number;
  #bX: number;
  #aY: number;
  #bY: number;
  #greater = 0;
  #density = 0;
  /** how many times the density has been raised by SCALE */
  #scaled = 0;
  #left = 0;

  /** @throws DethroneError `numeric_domain` for a shape that is not in (0, 1e12] */
  constructor({ aX, bX, aY, bY }: BetaPair) {
    this.#aX = aX;
    this.#bX = bX;
    this.#aY = aY;
    this.#bY = bY;
    this.#anchor();
  }

  /** P(X > Y), in [0, 1]. */
  get greater(): number {
    return Math.min(1, Math.max(0, this.#greater));
  }

  /** Adds an outcome of X. */
  addX(isSuccess: boolean): void {
    const { total, step } = this.#before();
    const own = isSuccess ? this.#aX : this.#bX;
    const both = isSuccess ? this.#aX + this.#aY : this.#bX + this.#bY;
    this.#greater += (isSuccess ? step : -step) / own;
    this.#density *= (both / total) * ((this.#aX + this.#bX) / own);
    if (isSuccess) this.#aX += 1;
    else this.#bX += 1;
    this.#after();
  }

  /** Adds an outcome of Y. */
  addY(isSuccess: boolean): void {
    const { total, step } = this.#before();
    const own = isSuccess ? this.#aY : this.#bY;
    const both = isSuccess ? this.#aX + this.#aY : this.#bX + this.#bY;
    this.#greater += (isSuccess ? -step : step) / own;
    this.#density *= (both / total) * ((this.#aY + this.#bY) / own);
    if (isSuccess) this.#aY += 1;
    else this.#bY += 1;
    this.#after();
  }

  /** The sum of all shapes, and H as far as a double can tell it from 0. */
  #before(): { readonly total: number; readonly step: number } {
    return {
      total: this.#aX + this.#bX + this.#aY + this.#bY,
      step: this.#scaled === 0 ? this.#density : 0,
    };
  }

  #after(): void {
    if (this.#density < 1 / SCALE) {
      this.#density *= SCALE;
      this.#scaled += 1;
    } else if (this.#scaled > 0 && this.#density > 1) {
      this.#density /= SCALE;
      this.#scaled -= 1;
    }
    this.#left -= 1;
    if (this.#left === 0) this.#anchor();
  }

  #anchor(): void {
    const pair = { aX: this.#aX, bX: this.#bX, aY: this.#aY, bY: this.#bY };
    this.#greater = probGreater(pair);
    const logDensity = logDensityAtEquality(pair);
    this.#scaled = Math.max(0, Math.ceil(-logDensity / Math.log(SCALE)) - 1);
    this.#density = Math.exp(logDensity + this.#scaled * Math.log(SCALE));
    this.#left = ANCHOR_EVERY;
  }
}
