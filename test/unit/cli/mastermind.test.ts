import { describe, expect, it } from "vitest";
import { feedback, playMastermind, type SolverConfig, secretFrom } from "../../../src/cli/demo/mastermind.js";

const SECRETS = Array.from({ length: 1296 }, (_, index) => secretFrom((index + 0.5) / 1296));
const UNLIMITED = 20;

function play(strategy: SolverConfig["strategy"], maxGuesses: number) {
  return SECRETS.map((secret) => playMastermind({ strategy, maxGuesses }, secret));
}

/** How many secrets take one guess, two, three and so on. */
function distribution(strategy: SolverConfig["strategy"]): number[] {
  const counts: number[] = [];
  for (const { guessCount } of play(strategy, UNLIMITED))
    counts[guessCount - 1] = (counts[guessCount - 1] ?? 0) + 1;
  return [...counts].map((count) => count ?? 0);
}

const total = (counts: readonly number[]) =>
  counts.reduce((sum, count, index) => sum + count * (index + 1), 0);

describe("feedback", () => {
  it.each([
    ["1122", "1122", 4, 0],
    ["1122", "2211", 0, 4],
    ["1122", "2112", 2, 2],
    ["1122", "3456", 0, 0],
    ["1111", "1234", 1, 0],
    ["1234", "1111", 1, 0],
    ["1223", "2245", 1, 1],
    ["1123", "3112", 1, 3],
    ["1234", "4321", 0, 4],
    ["6655", "5666", 1, 2],
    ["1122", "1333", 1, 0],
    ["3345", "5333", 1, 2],
  ])("answers %s for the secret %s with %i exact and %i misplaced", (guess, secret, exact, misplaced) => {
    expect(feedback(guess, secret)).toEqual({ exact, misplaced });
  });

  it("agrees with the rule of crossing pegs off, for every code against a sample", () => {
    for (const guess of SECRETS.filter((_, index) => index % 97 === 0)) {
      for (const secret of SECRETS) expect(feedback(guess, secret)).toEqual(crossedOff(guess, secret));
    }
  });
});

// The rule as people play it: exact pegs first, then each remaining guessed peg crosses off one of its colour.
function crossedOff(guess: string, secret: string) {
  const left = [...secret];
  const open = [...guess].filter((peg, place) => {
    if (secret[place] !== peg) return true;
    left[place] = "";
    return false;
  });
  let misplaced = 0;
  for (const peg of open) {
    const place = left.indexOf(peg);
    if (place < 0) continue;
    left[place] = "";
    misplaced++;
  }
  return { exact: guess.length - open.length, misplaced };
}

describe("minimax", () => {
  // Knuth 1976: at most five guesses, 5801 in all, 4.476 on average.
  it("has the published distribution of guesses over all 1296 secrets", () => {
    const counts = distribution("minimax");
    expect(counts).toEqual([1, 6, 62, 533, 694]);
    expect(total(counts)).toBe(5801);
  });

  it("opens with 1122 and plays the game of Knuth's paper", () => {
    const game = playMastermind({ strategy: "minimax", maxGuesses: 5 }, "3632");
    expect(game).toEqual({ solved: true, guessCount: 5, guesses: ["1122", "1344", "3526", "1462", "3632"] });
  });
});

describe("first-consistent", () => {
  // The "simple strategy" of Shapiro 1983: 7471 guesses in all, 5.765 on average, nine at most.
  it("has the published total over all 1296 secrets", () => {
    const counts = distribution("first-consistent");
    expect(total(counts)).toBe(7471);
    expect(counts).toHaveLength(9);
  });

  it("guesses only codes that fit all answers, and the lowest such", () => {
    const secret = "4563";
    const { guesses } = playMastermind({ strategy: "first-consistent", maxGuesses: UNLIMITED }, secret);
    guesses.forEach((guess, turn) => {
      const fits = (code: string) =>
        guesses
          .slice(0, turn)
          .every((g) => JSON.stringify(feedback(g, code)) === JSON.stringify(feedback(g, secret)));
      expect(guess).toBe(SECRETS.find(fits));
    });
  });
});

describe("a game", () => {
  // Exact, as counts of 1296; the demo's limit is chosen from these.
  it.each([
    ["first-consistent", 4, 138],
    ["minimax", 4, 602],
    ["first-consistent", 5, 443],
    ["minimax", 5, 1296],
    ["first-consistent", 6, 1045],
    ["minimax", 6, 1296],
  ] as const)("of %s with %i guesses is won for %i secrets", (strategy, maxGuesses, wins) => {
    const games = play(strategy, maxGuesses);
    expect(games.filter((game) => game.solved)).toHaveLength(wins);
    expect(Math.max(...games.map((game) => game.guessCount))).toBeLessThanOrEqual(maxGuesses);
  });

  it("is lost when the last guess is wrong, and won when it is right", () => {
    expect(playMastermind({ strategy: "minimax", maxGuesses: 1 }, "6666")).toEqual({
      solved: false,
      guessCount: 1,
      guesses: ["1122"],
    });
    expect(playMastermind({ strategy: "first-consistent", maxGuesses: 1 }, "1111").solved).toBe(true);
  });

  it.each([
    [{ strategy: "minimax", maxGuesses: 0 }, "1122", "config_invalid"],
    [{ strategy: "minimax", maxGuesses: 2.5 }, "1122", "config_invalid"],
    [{ strategy: "random", maxGuesses: 5 }, "1122", "config_invalid"],
    [{ strategy: "toString", maxGuesses: 5 }, "1122", "config_invalid"],
    [{ strategy: "minimax", maxGuesses: 5 }, "1127", "input_invalid"],
    [{ strategy: "minimax", maxGuesses: 5 }, "112", "input_invalid"],
  ])("refuses %j with the secret %s", (config, secret, code) => {
    expect(() => playMastermind(config as SolverConfig, secret)).toThrow(expect.objectContaining({ code }));
  });
});

describe("secretFrom", () => {
  it("gives every code the same share, in order", () => {
    expect(new Set(SECRETS).size).toBe(1296);
    expect([...SECRETS].sort()).toEqual(SECRETS);
    expect([SECRETS[0], SECRETS[7], SECRETS[1295]]).toEqual(["1111", "1122", "6666"]);
    expect(secretFrom(0)).toBe("1111");
    expect(secretFrom(1 - 2 ** -53)).toBe("6666");
  });

  it.each([1, -0.1, Number.NaN])("refuses %d", (random) => {
    expect(() => secretFrom(random)).toThrow(expect.objectContaining({ code: "input_invalid" }));
  });
});
