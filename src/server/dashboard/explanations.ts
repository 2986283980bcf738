/**
 * What each number means, in one sentence, for someone who has not read the statistics.
 */
export const EXPLANATIONS = {
  successRate:
    "The mean score of the arm's settled sessions, from 0 to 100 %; below it the interval that holds it with 95 % by all that is known.",
  probabilityBetter:
    "The probability, from the sessions so far, that the challenger's true success rate is above the champion's.",
  evidence:
    "How many times a stake against 'no better' would have multiplied; looking often cannot inflate it, and the challenger is promoted at the line.",
  harm: "The same bet the other way: at its line the challenger is aborted, because it is worse.",
  uplift:
    "Challenger less champion, in points of success rate; the range holds the true difference with 95 % at all times at once.",
  chance:
    "The chance that the evidence reaches its line by the planned sessions, if the arms go on as they do.",
  sessions: "Settled sessions that count, one for each unit, of those planned for both arms together.",
  daysLeft:
    "Days until the planned sessions are used up, at the pace since the start; a decision may come earlier.",
  pace: "Sessions that count, a day, since the start of the experiment.",
  lossIfPromoted:
    "The success rate that a promotion now would cost on average, over all that the data leave possible.",
  lossIfKept:
    "The success rate that keeping the champion would cost on average, over all that the data leave possible.",
  costPerSuccess:
    "What all sessions of the challenger cost, divided by its successes, against the same of the champion.",
  sessionsToday: "Sessions of the project that have started since midnight, UTC.",
  share: "The part of all sessions that goes to the challenger; the champion has the rest.",
  falsePromotions:
    "The sum of the levels of all started experiments: so many promotions are expected to be false at most, over any number of looks.",
  open: "Sessions that have not settled: still running, or waiting for signals until their window closes.",
  missing: "Sessions that finished without any signal of how they went; they are left out.",
  abandoned: "Sessions that never ended within their window; they score 0.",
  excluded:
    "Sessions that were recorded and are no evidence: later ones of the same unit, overrides, and the like.",
  late: "Signals that came after their session had settled; they are kept and shown, never counted.",
  power: "The chance that an experiment promotes a challenger that is this much better.",
  smallestEffect: "The smallest improvement that the planned sessions find with the wanted chance.",
} as const;

/** A number that is explained. */
export type Explanation = keyof typeof EXPLANATIONS;
