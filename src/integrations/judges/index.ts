/**
 * `dethrone/judges`: graders made into signals, blind to the arm and off the agent's path.
 */
export { type CommandJudgeOptions, commandJudge } from "./command-judge.js";
export {
  type Grade,
  type Grader,
  type Judge,
  type JudgeCounts,
  type JudgedSession,
  type JudgeOptions,
  type JudgeSettings,
  judge,
  type Sample,
} from "./judge.js";
export { type RegexJudgeOptions, regexJudge } from "./regex-judge.js";
