/**
 * Commands that ask what would be: backtests, simulations, plans.
 */
import type { Command } from "commander";
import { type BacktestFlags, backtest } from "../commands/backtest.js";
import { type PlanFlags, plan } from "../commands/plan.js";
import { type SimulateFlags, simulate } from "../commands/simulate.js";
import { addPolicy, contextOf } from "./context.js";

function addBacktest(program: Command): void {
  const command = program
    .command("backtest <file>")
    .description("run recorded sessions (JSON lines) through the engine")
    .requiredOption("--champion <selector>", "picks the champion's sessions: field=value,field=value")
    .requiredOption("--challenger <selector>", "picks the challenger's sessions")
    .requiredOption("--score <field>", "field with the score: boolean or a number from 0 to 1")
    .option("--share <share>", "the challenger's share, 0.01 to 0.99", "0.5")
    .option("--horizon <sessions>", "planned sessions (default: as many as the scarcer arm lasts for)")
    .option("--order <order>", "shuffle, file or time", "shuffle")
    .option("--time-field <field>", "field with the time, for --order time", "started_at")
    .option("--seed <seed>", "whole number that fixes order and assignment", "1")
    .option("--trace", "first print one JSON line per folded session")
    .option("--project <key>", "name of the project the backtest creates", "backtest")
    .action(async (path: string, flags: BacktestFlags, command: Command) => {
      const context = await contextOf(command);
      await backtest(context, context.flagUrl, path, flags);
    });
  addPolicy(command);
}

function addSimulate(program: Command): void {
  program
    .command("simulate")
    .description("how often a policy promotes, holds and aborts, on simulated sessions")
    .option("--base-rate <rate>", "the champion's success rate", "0.6")
    .option("--effect <effect>", "the challenger's rate less the champion's; 0,0.05 for two challengers", "0")
    .option("--share <share>", "the challenger's share: a number, ramp or adaptive", "0.2")
    .option("--horizon <sessions>", "planned sessions, all arms together (default: 2000)")
    .option("--runs <runs>", "experiments to simulate for each policy", "2000")
    .option("--seed <seed>", "whole number that fixes all draws", "1")
    .option("--policy <policy>", "only this policy: calibrated, strict, threshold, JSON or @file.json")
    .option("--compare <names>", "policies by name, side by side (default: calibrated,threshold)")
    .option("--alpha <level>", "highest chance of a false promotion (default: 0.05)")
    .option("--tau <probability>", "P(better) a promotion needs (default: 0.95)")
    .option("--min-uplift <uplift>", "uplift a challenger must exceed (default: 0)")
    .option("--drift <from..to>", "the base rate drifts over the horizon, e.g. 0.5..0.8")
    .option("--challengers <count>", "challengers, which divide the share", "1")
    .option("--delay <sessions>", "sessions that start before a score is known", "0")
    .option("--missing <chance>", "chance that a session has no score", "0")
    .option("--project <key>", "resample the project's own settled sessions instead")
    .option("--file <file>", "resample recorded sessions (JSON lines) instead")
    .option("--champion <selector>", "with --file: picks the champion's sessions, field=value,field=value")
    .option("--challenger <selector>", "with --file: picks the challenger's sessions")
    .option("--score <field>", "with --file: field with the score")
    .action(async (flags: SimulateFlags, command: Command) => simulate(await contextOf(command), flags));
  program
    .command("plan")
    .description("how long an experiment will take, and what it can find")
    .option("--project <key>", "take success rate and traffic from the project's last 14 days")
    .option("--base-rate <rate>", "the champion's success rate (default: 0.6)")
    .option("--effect <effect>", "the uplift that is hoped for", "0.1")
    .option("--share <share>", "the challenger's share, 0.01 to 0.99", "0.2")
    .option("--sessions-per-day <sessions>", "units a day (default: 100)")
    .option("--horizon <sessions>", "planned sessions (default: what --power needs)")
    .option("--within <duration>", "time the experiment may take, e.g. 14d, instead of a horizon")
    .option("--power <chance>", "wanted chance to promote", "0.8")
    .option("--alpha <level>", "highest chance of a false promotion", "0.05")
    .option("--runs <runs>", "experiments to simulate at each share", "1000")
    .option("--seed <seed>", "whole number that fixes all draws", "1")
    .action(async (flags: PlanFlags, command: Command) => plan(await contextOf(command), flags));
}

/** `backtest`, `simulate`, `plan` */
export function addQuestions(program: Command): void {
  addBacktest(program);
  addSimulate(program);
}
