// A process of an agent that never closes its engine, and ends in the way it is told. Run by process-end.test.ts.
import { createEngine } from "../../dist/index.js";

const [url, ending, ...closeOn] = process.argv.slice(2);
const stay = () => setInterval(() => undefined, 1000);

if (ending === "with a handler of its own") {
  process.on("SIGTERM", async () => {
    await engine.close();
    process.exit(7);
  });
}
const engine = await createEngine({ url, strict: true, closeOn });
const bot = await engine.project("support", { champion: { prompt: "long" } });
for (let i = 0; i < 500; i += 1) {
  const session = await bot.session();
  session.end({ score: 1 }).catch(() => undefined);
}

// A score that is still being taken, for ever where a second signal is to end the wait.
const takesMs = ending === "by two signals" ? 2 ** 30 : 300;
const answer = bot.wrap(() => 1, { score: () => new Promise((score) => setTimeout(score, takesMs, 1)) });
await answer();

if (ending === "by itself") {
  process.on("exit", () => {
    try {
      engine.schedule("* * * * *");
    } catch ({ code }) {
      process.stdout.write(code);
    }
  });
  for (let i = 0; i < 12; i += 1) await createEngine({ url, closeOn });
} else if (ending === "by two signals") {
  stay();
  process.kill(process.pid, "SIGTERM");
  const again = setInterval(() => {
    if (process.listenerCount("SIGTERM") > 0) return;
    clearInterval(again);
    process.stdout.write("closing\n");
    process.kill(process.pid, "SIGTERM");
  }, 10);
} else {
  stay();
  process.kill(process.pid, "SIGTERM");
}
