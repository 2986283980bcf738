// A process that has looked at the project once, and then waits to be told what to do. Run by processes.test.ts.
import { createInterface } from "node:readline";
import { createEngine } from "../../dist/index.js";

const [url, refreshMs] = process.argv.slice(2);
const engine = await createEngine({
  url,
  strict: true,
  refreshMs: Number(refreshMs),
  patienceMs: 60_000,
});
const bot = await engine.project("support");
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
say("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { units, until } = JSON.parse(line);
  if (units) {
    const sessions = await Promise.all(units.map((unit) => bot.session({ unit })));
    say(sessions.map(({ arm, config }) => `${arm} ${config.prompt}`));
  } else {
    // Looked at again and again, as an agent under load would.
    let session = await bot.session();
    while (session.config.prompt !== until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      session = await bot.session();
    }
    say({ prompt: session.config.prompt, experiment: session.experiment });
  }
}
await engine.close();
