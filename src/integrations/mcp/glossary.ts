/**
 * What the words mean, and what makes an experiment sound, for a reader who has nothing else.
 */

/** The words of the tools. */
export const WORDS: Readonly<Record<string, string>> = {
  project: "one agent whose config is being improved",
  config: "one immutable agent config, any JSON object, known by the beginning of its hash or by a label",
  champion: "the config in charge; it gets all traffic that no challenger gets",
  challenger: "a config that contends for the champion's place",
  experiment: "one contest between the champion and its challengers; a project runs one at a time",
  share: "a challenger's fraction of the traffic, from 0 to 1",
  unit: "what is randomised: a session, or a user, repository or conversation; a unit keeps its arm and counts once",
  session: "one run of the agent under one config",
  signal:
    "one observation about a session; with a kind it bears on the score, in [0, 1]: explicit if a person or judge graded it, implicit if inferred; without one it is a metric such as cost_usd",
  score: "how a session went, from 0 to 1",
  settle: "the moment a session's score is fixed: at once with a score, else when its window (24 h) closes",
  evidence:
    "how many times the sessions have multiplied a stake against 'the challenger is no better'; looking at it as often as one likes cannot fool it",
  horizon: "planned units, both arms together; the experiment holds there",
  "P(better)": "chance that the challenger's success rate is the higher one, given the sessions so far",
  uplift: "the challenger's success rate less the champion's, in points",
  "smallest effect": "the uplift that an experiment of this size promotes in 8 of 10 cases",
  guardrail: "a metric that a challenger must not make worse by more than its margin",
  promote: "the challenger becomes the champion: the evidence is in, or a person decided so",
  hold: "the champion stays: too unlikely to be promoted, or the horizon is reached",
  abort: "the champion stays: harm, a crossed guardrail, a broken assignment, or a person decided so",
};

/** What makes an experiment sound. */
export const ADVICE: readonly string[] = [
  "State a hypothesis, and change what it is about and nothing else: a verdict is about the whole config.",
  "Choose the share and the planned sessions so that the effect you hope for is above the smallest effect; use detect and within, or plan.",
  "Leave it alone: a scheduled job decides, and the guarantee holds however often anyone looks. A promotion by hand has none.",
  "Several challengers share the level and the traffic. One that is likely to win is found sooner alone.",
  "Declare as guardrails what must not get worse, such as cost_usd or latency_ms; errors are guarded by default.",
  "A pair that has contended before is not run again unless you say why: read the past experiments first.",
];
