#!/usr/bin/env node
import { leaveQuietly } from "./output.js";
import { runCli } from "./program.js";

leaveQuietly();
process.exitCode = await runCli(process.argv.slice(2));
