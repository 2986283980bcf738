import fc from "fast-check";

// The same inputs on every run, so that coverage is; FC_SEED tries others. A failure prints its seed and path.
fc.configureGlobal({
  seed: Number(process.env.FC_SEED ?? 20_261_121),
  // Mutation testing wants to know that a test fails, not on which smallest input.
  endOnFailure: process.env.FC_SHRINK === "no",
});
