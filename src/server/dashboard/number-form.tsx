/**
 * Forms of numbers that are sent by address, so that a result can be shared and looked at again.
 */
import type { Context } from "hono";
import { DethroneError } from "../../core/errors.js";

/** A number that is asked for. */
export interface NumberField {
  readonly name: string;
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number | "any";
  /** its unit and range, below the field */
  readonly note: string;
}

/** The numbers of a form, by the names of their fields. */
export type NumberValues<Name extends string> = Readonly<Record<Name, number>>;

/** What was typed, by field; the default where nothing was. */
export function typedNumbers<Name extends string>(
  c: Context,
  fields: readonly (NumberField & { readonly name: Name })[],
): Readonly<Record<Name, string>> {
  return Object.fromEntries(
    fields.map(({ name, value }) => [name, (c.req.query(name) ?? "").trim() || String(value)]),
  ) as Record<Name, string>;
}

/** The numbers that were typed. @throws DethroneError `input_invalid` naming the field */
export function checkedNumbers<Name extends string>(
  typed: Readonly<Record<Name, string>>,
  fields: readonly (NumberField & { readonly name: Name })[],
): NumberValues<Name> {
  return Object.fromEntries(
    fields.map(({ name, label, min, max, step }) => {
      const value = Number(typed[name]);
      const isWhole = step === "any" || !Number.isInteger(step) || Number.isInteger(value);
      if (isWhole && value >= min && value <= max) return [name, value];
      const kind = Number.isInteger(step) ? "a whole number" : "a number";
      throw new DethroneError(
        "input_invalid",
        `${label} must be ${kind} from ${min} to ${max}; received '${typed[name]}'.`,
        { field: name, received: typed[name] },
      );
    }),
  ) as Record<Name, number>;
}

/** The form. */
export function NumberForm<Name extends string>(props: {
  readonly action: string;
  readonly button: string;
  readonly fields: readonly (NumberField & { readonly name: Name })[];
  readonly typed: Readonly<Record<Name, string>>;
  readonly problem: string | null;
}) {
  return (
    <form class="card form" method="get" action={props.action}>
      {props.problem === null ? null : (
        <p class="notice tone-bad" role="alert">
          {props.problem}
        </p>
      )}
      <div class="fields">
        {props.fields.map(({ name, label, min, max, step, note }) => (
          <label class="field">
            <span>{label}</span>
            <input
              type="number"
              name={name}
              value={props.typed[name]}
              min={String(min)}
              max={String(max)}
              step={String(step)}
              required
            />
            <small>{note}</small>
          </label>
        ))}
      </div>
      <div class="buttons">
        <button class="button primary" type="submit" name="run" value="1">
          {props.button}
        </button>
      </div>
    </form>
  );
}
