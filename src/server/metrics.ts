/**
 * What the server tells Prometheus: of its requests, of its engine, of the experiments that run.
 */
import type { Health } from "../engine/context.js";
import type { ProjectSummary } from "../engine/experiments/overview.js";
import type { RouteId } from "./contract/routes.js";

/** Upper bounds of the histogram of durations, in seconds. */
const BOUNDS_S = [0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Durations {
  /** by bound */
  readonly counts: number[];
  count: number;
  sumS: number;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

function family(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => line(name, labels, value));
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

function healthFamilies(health: Health): string[] {
  const counter = (name: string, help: string, value: number): string =>
    family(`dethrone_${name}`, "counter", help, [[{}, value]]);
  const gauge = (name: string, help: string, value: number): string =>
    family(`dethrone_${name}`, "gauge", help, [[{}, value]]);
  return [
    gauge("up", "1 while the engine is well", Number(health.status === "ok")),
    counter("sessions_dropped_total", "sessions served but not recorded", health.sessionsDropped),
    counter("writes_failed_total", "ends and signals that could not be written", health.writesFailed),
    gauge("write_queue_rows", "rows waiting to be written", health.queueLength),
    gauge("spool_rows", "rows kept beside the database until it is back", health.spool.rows),
  ];
}

function projectFamilies(projects: readonly ProjectSummary[]): string[] {
  const running = projects.flatMap(({ key, experiment }) =>
    experiment ? [{ labels: { project: key }, ...experiment.standing }] : [],
  );
  const gauge = (name: string, help: string, samples: readonly Sample[]): string =>
    family(`dethrone_${name}`, "gauge", help, samples);
  const ofRunning = (numberOf: (standing: (typeof running)[number]) => number): Sample[] =>
    running.map((each) => [each.labels, numberOf(each)]);
  return [
    gauge(
      "sessions_today",
      "sessions since midnight UTC",
      projects.map(({ key, sessionsToday }) => [{ project: key }, sessionsToday]),
    ),
    gauge(
      "experiment_units",
      "units folded",
      ofRunning(({ sessionCount }) => sessionCount),
    ),
    gauge(
      "experiment_probability_better",
      "P(leading challenger > champion)",
      ofRunning(({ probabilityBetter }) => probabilityBetter),
    ),
    gauge(
      "experiment_promotion_evidence",
      "log e-value over its promotion line; 1 is the line",
      ofRunning(({ logSupPromote, logLinePromote }) => logSupPromote / logLinePromote),
    ),
    gauge(
      "experiment_alarms",
      "what a person should look at",
      running.flatMap(({ labels, alarms }) => alarms.map((alarm): Sample => [{ ...labels, alarm }, 1])),
    ),
  ];
}

/** Counts requests, and tells everything as Prometheus text. */
export class Metrics {
  readonly #requests = new Map<string, { readonly route: string; readonly status: number; count: number }>();
  readonly #durations = new Map<string, Durations>();

  /** Counts a request that has been answered. */
  count(route: RouteId | "page" | "none", status: number, ms: number): void {
    const key = `${route} ${status}`;
    const known = this.#requests.get(key);
    if (known) known.count += 1;
    else this.#requests.set(key, { route, status, count: 1 });
    let durations = this.#durations.get(route);
    if (!durations) {
      durations = { counts: BOUNDS_S.map(() => 0), count: 0, sumS: 0 };
      this.#durations.set(route, durations);
    }
    durations.count += 1;
    durations.sumS += ms / 1000;
    for (let i = 0; i < BOUNDS_S.length; i += 1)
      if (ms / 1000 <= (BOUNDS_S[i] as number)) durations.counts[i] = (durations.counts[i] ?? 0) + 1;
  }

  /** Everything as Prometheus text. */
  text(health: Health, projects: readonly ProjectSummary[]): string {
    const requests = [...this.#requests.values()].map(
      ({ route, status, count }): Sample => [{ route, status: String(status) }, count],
    );
    return `${[
      family("dethrone_http_requests_total", "counter", "requests answered", requests),
      this.#histogram(),
      ...healthFamilies(health),
      ...projectFamilies(projects),
    ].join("\n")}\n`;
  }

  #histogram(): string {
    const name = "dethrone_http_request_seconds";
    const lines = [...this.#durations].flatMap(([route, { counts, count, sumS }]) => [
      ...counts.map((n, i) => line(`${name}_bucket`, { route, le: String(BOUNDS_S[i]) }, n)),
      line(`${name}_bucket`, { route, le: "+Inf" }, count),
      line(`${name}_sum`, { route }, sumS),
      line(`${name}_count`, { route }, count),
    ]);
    return [`# HELP ${name} time to answer`, `# TYPE ${name} histogram`, ...lines].join("\n");
  }
}
