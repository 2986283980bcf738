/**
 * Pictures without letters, beside the numbers they show. They stretch to the room they get.
 */
import { armClass, at } from "./frame.js";

interface InlineProps {
  /** what it shows, with the numbers: its text alternative */
  readonly title: string;
}

const clamp = (value: number, low = 0, high = 1): number =>
  Number.isNaN(value) ? low : Math.min(high, Math.max(low, value));

function Stretched({
  title,
  kind,
  children,
}: InlineProps & { readonly kind: string; readonly children: unknown }) {
  return (
    <svg
      class={`inline ${kind}`}
      viewBox="0 0 100 16"
      preserveAspectRatio="none"
      role="img"
      aria-label={title}
    >
      <title>{title}</title>
      {children}
    </svg>
  );
}

/** How far along something is: a bar, full where its line is reached. */
export function Meter({
  title,
  fraction,
  tone = "plain",
}: InlineProps & { readonly fraction: number; readonly tone?: "plain" | "good" | "bad" | "challenger" }) {
  return (
    <Stretched title={title} kind={`meter tone-${tone}`}>
      <rect class="track" width="100" height="16" />
      <rect class="fill" width={at(100 * clamp(fraction))} height="16" />
    </Stretched>
  );
}

/** What an interval is drawn with. */
export interface WhiskerProps extends InlineProps {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
  /** ends of the scale */
  readonly domain: readonly [number, number];
  /** heights with a meaning: no difference, a margin */
  readonly lines?: readonly { readonly at: number; readonly tone: "neutral" | "bad" | "good" }[];
  /** 0 the champion's, j the j-th challenger's */
  readonly arm: number;
}

/** An interval as a line with a dot on it, against lines that mean something. */
export function Whisker({ title, low, middle, high, domain, lines = [], arm }: WhiskerProps) {
  const [from, to] = domain;
  const place = (value: number): number => at(100 * clamp((value - from) / (to - from || 1)));
  return (
    <Stretched title={title} kind={`whisker ${armClass(arm)}`}>
      <path class="base" d="M0 8H100" />
      {lines.map((line) => (
        <path class={`rule tone-${line.tone}`} d={`M${place(line.at)} 0V16`} />
      ))}
      <path class="stem" d={`M${place(low)} 8H${place(high)}`} />
      <path class="point" d={`M${place(middle)} 8h0.01`} />
    </Stretched>
  );
}

/** Two or more values on one scale, joined by a line. */
export function Dumbbell({
  title,
  values,
  domain,
}: InlineProps & {
  readonly values: readonly (number | null)[];
  readonly domain: readonly [number, number];
}) {
  const [from, to] = domain;
  const places = values.map((value) =>
    value === null ? null : at(100 * clamp((value - from) / (to - from || 1))),
  );
  const known = places.filter((place) => place !== null);
  return (
    <Stretched title={title} kind="dumbbell">
      <path class="base" d="M0 8H100" />
      {known.length < 2 ? null : <path class="join" d={`M${Math.min(...known)} 8H${Math.max(...known)}`} />}
      {places.map((place, arm) =>
        place === null ? null : (
          <g class={armClass(arm)}>
            <path class="point" d={`M${place} 8h0.01`} />
          </g>
        ),
      )}
    </Stretched>
  );
}

/** Parts of a whole, one beside the other. */
export function Parts({
  title,
  parts,
}: InlineProps & { readonly parts: readonly { readonly fraction: number; readonly kind: string }[] }) {
  let from = 0;
  return (
    <Stretched title={title} kind="parts">
      {parts.map(({ fraction, kind }) => {
        const x = from;
        from += 100 * clamp(fraction);
        return <rect class={`part ${kind}`} x={at(x)} width={at(100 * clamp(fraction))} height="16" />;
      })}
    </Stretched>
  );
}

/** A small history: a column for each number. */
export function Sparkline({ title, values }: InlineProps & { readonly values: readonly number[] }) {
  const most = Math.max(1, ...values.filter(Number.isFinite));
  const step = 100 / Math.max(1, values.length);
  return (
    <Stretched title={title} kind="sparkline">
      {values.map((value, k) => {
        // A day without sessions is a day too.
        const height = Math.max(0.75, 16 * clamp(value / most));
        return <rect x={at(k * step)} width={at(step * 0.75)} y={at(16 - height)} height={at(height)} />;
      })}
    </Stretched>
  );
}
