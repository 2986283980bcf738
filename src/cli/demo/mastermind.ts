/**
 * The demo's agent: it breaks a hidden code of four pegs in six colours, one guess after another.
 *
 * A strategy answers the same history with the same guess, so all its games together are one tree: a node is what is
 * known so far, and it branches by the answer to its guess. Nodes are worked out when a game first reaches them, which
 * makes a game a walk of a few steps.
 */
import { DethroneError, received } from "../../core/errors.js";

/** How the solver plays: its way of choosing a guess, and how many it has. */
export interface SolverConfig {
  readonly strategy: "first-consistent" | "minimax";
  readonly maxGuesses: number;
}

/** One game: whether the code was found, and the guesses in order, such as "1122". */
export interface Game {
  readonly solved: boolean;
  readonly guessCount: number;
  readonly guesses: readonly string[];
}

const COLOURS = ["1", "2", "3", "4", "5", "6"];
const PEG_COUNT = 4;
const CODE_COUNT = COLOURS.length ** PEG_COUNT;
const ANSWER_COUNT = (PEG_COUNT + 1) ** 2;
/** Knuth's first guess, 1122. */
const MINIMAX_OPENING = 7;

// In lexicographic order, so that the lower index is the lexicographically lower code.
const CODES: readonly string[] = Array.from({ length: CODE_COUNT }, (_, index) => codeAt(index));

interface Node {
  readonly guess: number;
  /** The codes still possible before the guess, ascending. */
  readonly candidates: readonly number[];
  readonly next: Map<number, Node>;
}

type Choose = (candidates: readonly number[]) => number;

const CHOICES: Record<SolverConfig["strategy"], Choose> = {
  "first-consistent": (candidates) => candidates[0] ?? 0,
  minimax: (candidates) => (candidates.length === CODE_COUNT ? MINIMAX_OPENING : minimaxGuess(candidates)),
};

const roots = new Map<SolverConfig["strategy"], Node>();

/**
 * Plays one game against a secret code; the same config and secret give the same game.
 *
 * `first-consistent` guesses the lowest code that fits all answers so far. `minimax` guesses, out of all 1296 codes,
 * the one whose worst answer leaves the fewest codes, preferring codes that may be the secret, then the lowest.
 *
 * @throws DethroneError `config_invalid` for an unknown strategy or a `maxGuesses` that is no integer >= 1,
 *   `input_invalid` for a secret that is no code.
 *
 * Source: Donald E. Knuth, "The Computer as Master Mind", Journal of Recreational Mathematics 9 (1), 1976-77.
 *
 * @example
 * playMastermind({ strategy: "minimax", maxGuesses: 5 }, "3632").solved; // true
 */
export function playMastermind(config: SolverConfig, secret: string): Game {
  assertConfig(config);
  const target = indexOf(secret);
  const guesses: string[] = [];
  for (let node = rootOf(config.strategy); ; node = answered(node, target, CHOICES[config.strategy])) {
    guesses.push(codeAt(node.guess));
    const solved = node.guess === target;
    if (solved || guesses.length === config.maxGuesses)
      return { solved, guessCount: guesses.length, guesses };
  }
}

/**
 * The secret code at a random point.
 *
 * @param random uniform in [0, 1); every code has the same share of it.
 * @throws DethroneError `input_invalid` outside of that.
 */
export function secretFrom(random: number): string {
  if (!(random >= 0 && random < 1)) invalid("input_invalid", "random", random, "in [0, 1)");
  return codeAt(Math.floor(random * CODE_COUNT));
}

/**
 * The answer to a guess: pegs of the right colour in the right place, and of the right colour elsewhere.
 *
 * @throws DethroneError `input_invalid` if either is no code.
 *
 * @example
 * feedback("1122", "2112"); // { exact: 2, misplaced: 2 }
 */
export function feedback(
  guess: string,
  secret: string,
): { readonly exact: number; readonly misplaced: number } {
  const answer = answerTo(indexOf(guess), indexOf(secret));
  return { exact: Math.floor(answer / (PEG_COUNT + 1)), misplaced: answer % (PEG_COUNT + 1) };
}

function rootOf(strategy: SolverConfig["strategy"]): Node {
  const known = roots.get(strategy);
  if (known) return known;
  const root = nodeOf([...CODES.keys()], CHOICES[strategy]);
  roots.set(strategy, root);
  return root;
}

function answered(node: Node, target: number, choose: Choose): Node {
  const answer = answerTo(node.guess, target);
  const known = node.next.get(answer);
  if (known) return known;
  const left = node.candidates.filter((code) => answerTo(node.guess, code) === answer);
  const next = nodeOf(left, choose);
  node.next.set(answer, next);
  return next;
}

function nodeOf(candidates: readonly number[], choose: Choose): Node {
  return { guess: choose(candidates), candidates, next: new Map() };
}

function minimaxGuess(candidates: readonly number[]): number {
  const possible = new Set(candidates);
  let best = { guess: 0, worst: Number.POSITIVE_INFINITY, isPossible: false };
  for (let guess = 0; guess < CODE_COUNT; guess++) {
    const worst = worstRemainder(guess, candidates);
    const isPossible = possible.has(guess);
    // Guesses come in ascending order, so a tie leaves the lower one in place.
    const isBetter = worst < best.worst || (worst === best.worst && isPossible && !best.isPossible);
    if (isBetter) best = { guess, worst, isPossible };
  }
  return best.guess;
}

const counts = new Uint16Array(ANSWER_COUNT);

function worstRemainder(guess: number, candidates: readonly number[]): number {
  counts.fill(0);
  let worst = 0;
  for (const code of candidates) {
    const answer = answerTo(guess, code);
    const count = (counts[answer] ?? 0) + 1;
    counts[answer] = count;
    if (count > worst) worst = count;
  }
  return worst;
}

let answers: Uint8Array | undefined;

/** An answer as one number, looked up: a minimax tree takes millions of them. */
function answerTo(guess: number, secret: number): number {
  answers ??= answerTable();
  return answers[guess * CODE_COUNT + secret] ?? 0;
}

// The answer is the same when guess and secret change places, which halves the work.
function answerTable(): Uint8Array {
  const table = new Uint8Array(CODE_COUNT * CODE_COUNT);
  const pegs = CODES.map((code) => [...code].map(Number));
  const tallies = CODES.map((code) => COLOURS.map((colour) => countOf(colour, code)));
  for (let a = 0; a < CODE_COUNT; a++) {
    for (let b = a; b < CODE_COUNT; b++) {
      const exact = sum(PEG_COUNT, (place) => (pegs[a]?.[place] === pegs[b]?.[place] ? 1 : 0));
      const shared = sum(COLOURS.length, (i) => Math.min(tallies[a]?.[i] ?? 0, tallies[b]?.[i] ?? 0));
      const answer = exact * (PEG_COUNT + 1) + shared - exact;
      table[a * CODE_COUNT + b] = answer;
      table[b * CODE_COUNT + a] = answer;
    }
  }
  return table;
}

function sum(length: number, count: (index: number) => number): number {
  let total = 0;
  for (let index = 0; index < length; index++) total += count(index);
  return total;
}

function countOf(colour: string, code: string): number {
  return code.split(colour).length - 1;
}

function codeAt(index: number): string {
  const digits = index.toString(COLOURS.length).padStart(PEG_COUNT, "0");
  return [...digits].map((digit) => COLOURS[Number(digit)]).join("");
}

function indexOf(code: string): number {
  const index = CODES.indexOf(code);
  if (index < 0) invalid("input_invalid", "code", code, "four digits from 1 to 6");
  return index;
}

function assertConfig({ strategy, maxGuesses }: SolverConfig): void {
  if (!Object.hasOwn(CHOICES, strategy)) {
    invalid("config_invalid", "strategy", strategy, 'either "first-consistent" or "minimax"');
  }
  if (!(Number.isInteger(maxGuesses) && maxGuesses >= 1)) {
    invalid("config_invalid", "maxGuesses", maxGuesses, "an integer >= 1");
  }
}

function invalid(
  code: "config_invalid" | "input_invalid",
  name: string,
  value: unknown,
  allowed: string,
): never {
  throw new DethroneError(code, `${name} must be ${allowed}; received ${String(value)}.`, {
    parameter: name,
    received: received(value),
    allowed,
  });
}
