/**
 * A page that searches: a form whose fields stand in the address, what was wrong with them, and what was found.
 */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { DethroneError } from "../../core/errors.js";
import { Page, type Request } from "./layout.js";
import { Head } from "./parts.js";

/** The fields of a search as they were typed. */
export type Typed<Name extends string> = Readonly<Record<Name | "cursor", string>>;

/** What was typed, if anything was. */
export const given = (text: string): string | undefined => (text === "" ? undefined : text);

/** @throws DethroneError `input_invalid` for a text that is no time */
export function timeOf(field: string, text: string): number | undefined {
  if (text === "") return undefined;
  const atMs = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) || text.length === 10 ? text : `${text}Z`);
  if (Number.isFinite(atMs)) return atMs;
  throw new DethroneError(
    "input_invalid",
    `${field} must be a time such as 2026-11-21T13:00; received '${text}'.`,
    { field, received: text },
  );
}

/** One field: something to type, or the choices that there are. */
export interface SearchField<Name extends string> {
  readonly name: Name;
  readonly label: string;
  /** default text */
  readonly type?: "datetime-local";
  /** what each choice is called; the empty one finds any */
  readonly choices?: readonly (readonly [value: string, label: string])[];
}

/** What a request has in the fields of a search. */
export function typedIn<Name extends string>(c: Context, fields: readonly SearchField<Name>[]): Typed<Name> {
  const names = [...fields.map(({ name }) => name), "cursor"];
  return Object.fromEntries(names.map((name) => [name, (c.req.query(name) ?? "").trim()])) as Typed<Name>;
}

function Field<Name extends string>(props: { readonly field: SearchField<Name>; readonly value: string }) {
  const { field, value } = props;
  const { name, label, type = "text", choices } = field;
  if (!choices)
    return (
      <label class="field">
        <span>{label}</span>
        <input type={type} name={name} value={value} />
      </label>
    );
  return (
    <label class="field">
      <span>{label}</span>
      <select name={name}>
        {choices.map(([choice, text]) => (
          <option value={choice} selected={value === choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The page. `children` are what was found; null where what was typed is wrong. */
export function SearchPage<Name extends string>(props: {
  readonly request: Request;
  readonly title: string;
  readonly note: string;
  readonly path: string;
  readonly fields: readonly SearchField<Name>[];
  readonly typed: Typed<Name>;
  readonly problem: string | null;
  /** whether it stays as it is when something happens */
  readonly isStill?: boolean;
  readonly children: Child;
}) {
  const { request, title, note, path, fields, typed, problem, isStill = false, children } = props;
  return (
    <Page request={request} title={title} isStill={isStill}>
      <Head title={title} note={note} />
      <div class="stack">
        <form class="card form" method="get" action={path}>
          <div class="fields wide">
            {fields.map((field) => (
              <Field field={field} value={typed[field.name]} />
            ))}
            <button class="button primary" type="submit">
              Search
            </button>
          </div>
        </form>
        {problem === null ? null : (
          <p class="notice tone-bad" role="alert">
            {problem}
          </p>
        )}
        {children}
      </div>
    </Page>
  );
}

/** The way to the next page of the same search; nothing on the last one. */
export function Older<Name extends string>(props: {
  readonly path: string;
  readonly typed: Typed<Name>;
  readonly cursor: string | null;
  readonly what: string;
}) {
  const { path, typed, cursor, what } = props;
  if (cursor === null) return null;
  const fields: Record<string, string> = { ...typed, cursor };
  const query = new URLSearchParams(Object.entries(fields).filter(([, text]) => text !== ""));
  return (
    <p class="buttons">
      <a class="button" href={`${path}?${query}`}>
        Older {what}
      </a>
    </p>
  );
}
