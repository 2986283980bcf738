/**
 * The small pieces that pages are made of.
 */
import type { Child } from "hono/jsx";
import { armClass } from "../charts/frame.js";
import { EXPLANATIONS, type Explanation } from "./explanations.js";

/** What a state means to whoever looks: status colours are for status alone. */
export type Tone = "good" | "warn" | "bad" | "neutral";

/** A word that shows what it means on hover and on focus. @param id unique within the page */
export function Term({
  id,
  name,
  about,
}: {
  readonly id: string;
  readonly name: Child;
  readonly about: Explanation;
}) {
  return (
    <>
      {/* Focusable, so that the explanation is there for the keyboard too. */}
      <span class="term" tabindex={0} aria-describedby={`tip-${id}`}>
        {name}
        <span class="tip" role="tooltip" id={`tip-${id}`}>
          {EXPLANATIONS[about]}
        </span>
      </span>
    </>
  );
}

interface StatProps {
  /** unique within the page */
  readonly id: string;
  readonly name: string;
  readonly about: Explanation;
  readonly value: Child;
  readonly more?: Child;
  /** a picture of the number */
  readonly children?: Child;
}

/** A text whose numbers stay on one line with their units. */
export const unbroken = (text: string): string =>
  text.replace(/ (%|points|x|s|ms|times)(?=[\s,;.:)]|$)/g, "\u00a0$1");

const shown = (child: Child): Child => (typeof child === "string" ? unbroken(child) : child);

/** A number with its name, what it means, and a picture of it. */
export function Stat({ id, name, about, value, more, children }: StatProps) {
  return (
    <div class="stat">
      <dt>
        <Term id={id} name={name} about={about} />
      </dt>
      <dd>
        <span class="value">{shown(value)}</span>
        {children}
        {more === undefined ? null : <span class="more">{shown(more)}</span>}
      </dd>
    </div>
  );
}

/** A state in a word. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children?: Child }) {
  return <span class={`badge tone-${tone}`}>{children}</span>;
}

/** A config as an arm, in the arm's colour. */
export function ArmName({ arm, children }: { readonly arm: number; readonly children?: Child }) {
  return <span class={`arm-name ${armClass(arm)}`}>{children}</span>;
}

/** Something a person should know, and what to do about it. */
export interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly text: string;
  readonly action?: { readonly name: string; readonly href: string } | undefined;
}

/** A line that asks for attention. */
function Notice({ tone, title, text, action }: NoticeProps) {
  return (
    <div class={`notice tone-${tone}`}>
      <p>
        <strong>{title}</strong> {text}
      </p>
      {action === undefined ? null : (
        <a class="button" href={action.href}>
          {action.name}
        </a>
      )}
    </div>
  );
}

/** Several of them; nothing where there is none. */
export function Notices({ notices }: { readonly notices: readonly NoticeProps[] }) {
  if (notices.length === 0) return null;
  return (
    <div class="notices">
      {notices.map((notice) => (
        <Notice {...notice} />
      ))}
    </div>
  );
}

/** A name and what is to be said of it. */
export type Fact = readonly [name: string, value: Child];

/** Facts, a line each. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** A part of a page with its heading. */
export function Card(props: {
  readonly title: string;
  readonly note?: string | undefined;
  readonly aside?: Child;
  readonly children?: Child;
}) {
  return (
    <section class="card">
      <header>
        <h2>{props.title}</h2>
        {props.aside}
        {props.note === undefined ? null : <p>{props.note}</p>}
      </header>
      {props.children}
    </section>
  );
}

/** What may be wider than the page: it scrolls by itself, by the keyboard too. */
export function Scroll({ label, children }: { readonly label: string; readonly children?: Child }) {
  return (
    <section class="scroll" tabindex={0} aria-label={label}>
      {children}
    </section>
  );
}

/** The title of a page with its state, what is said of it, and what can be done. */
export function Head(props: {
  readonly title: Child;
  readonly badge?: Child;
  readonly note?: Child;
  readonly buttons?: Child;
}) {
  return (
    <header class="head">
      <div class="head-text">
        <div class="head-line">
          <h1>{props.title}</h1>
          {props.badge}
        </div>
        {props.note === undefined ? null : <p>{props.note}</p>}
      </div>
      {props.buttons === undefined ? null : <div class="buttons">{props.buttons}</div>}
    </header>
  );
}

/** Where nothing is yet: what comes next, as something to copy. */
export function Empty(props: {
  readonly title: string;
  readonly text: string;
  readonly code?: string;
  readonly more?: string;
}) {
  return (
    <section class="card empty">
      <h2>{props.title}</h2>
      <p>{props.text}</p>
      {props.code === undefined ? null : (
        <pre class="code" tabindex={0}>
          {props.code}
        </pre>
      )}
      {props.more === undefined ? null : <p class="quiet">{props.more}</p>}
    </section>
  );
}
