// A process of an agent that may not write to its database; run by read-only.test.ts. Prints what it was served and told.
import { createEngine } from "../../dist/index.js";

const [url] = process.argv.slice(2);
const warnings = [];
const silent = () => undefined;
const warn = (_fields, message) => warnings.push(message);
const logger = { debug: silent, info: silent, warn, error: warn };
const engine = await createEngine({ url, logger });
const bot = await engine.project("support", { champion: { prompt: "of the code" } });
const session = await bot.session();
const tell = (work) =>
  work.then(
    ({ status }) => status,
    ({ code }) => code,
  );
const ended = await tell(session.end({ score: 0.3 }));
const { spool, ...health } = engine.health();
await engine.close();
process.stdout.write(
  JSON.stringify({ id: session.id, prompt: session.config.prompt, ended, health, spool, warnings }),
);
