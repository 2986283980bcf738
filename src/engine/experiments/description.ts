/**
 * What people say of an experiment, and what they call configs: checked, and never looked at by a decision.
 */
import { DethroneError, received } from "../../core/errors.js";
import type { Description } from "../ports.js";

/** What people may say of an experiment. A field left out stays as it is; null takes it away. */
export interface DescriptionInput {
  /** what is expected, and why */
  readonly hypothesis?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly owner?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
}

const TEXT_LENGTH_MAX = 10_000;
const TAG_LENGTH_MAX = 100;
const TAGS_MAX = 50;

const NOTHING: Description = { hypothesis: null, description: null, owner: null, tags: [] };

function invalid(field: string, value: unknown, allowed: string): never {
  throw new DethroneError("settings_invalid", `${field} must be ${allowed}; received ${String(value)}.`, {
    field,
    received: received(value),
    allowed,
  });
}

/** Whether a value is a text of 1 to `most` characters. */
export function isText(value: unknown, most: number): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= most;
}

function textOf(field: keyof Description, value: unknown): string | null {
  if (value === null || isText(value, TEXT_LENGTH_MAX)) return value;
  return invalid(field, value, `a text of 1 to ${TEXT_LENGTH_MAX} characters, or null`);
}

function tagsOf(tags: unknown): readonly string[] {
  const allowed = `a list of at most ${TAGS_MAX} texts of 1 to ${TAG_LENGTH_MAX} characters`;
  if (!Array.isArray(tags) || tags.length > TAGS_MAX) return invalid("tags", tags, allowed);
  for (const tag of tags) if (!isText(tag, TAG_LENGTH_MAX)) invalid("tags", tag, allowed);
  return [...new Set(tags as readonly string[])];
}

/** A description with changes made to it. @throws DethroneError `settings_invalid` */
export function describe(input: DescriptionInput, before: Description = NOTHING): Description {
  const { hypothesis, description, owner, tags } = input;
  return {
    hypothesis: hypothesis === undefined ? before.hypothesis : textOf("hypothesis", hypothesis),
    description: description === undefined ? before.description : textOf("description", description),
    owner: owner === undefined ? before.owner : textOf("owner", owner),
    tags: tags === undefined ? before.tags : tagsOf(tags),
  };
}

const LABEL_LENGTH_MAX = 100;
/** A label that reads as the beginning of a hash would be taken for one. */
const HASH_LIKE = /^[0-9a-f]{6,64}$/;

/** Words that name a place, or nothing at all, wherever a config is named. */
const RESERVED: readonly string[] = ["champion", "challenger", "none"];

const isLabel = (text: string): boolean =>
  !HASH_LIKE.test(text) && !/^\d+$/.test(text) && !RESERVED.includes(text);

/** A config's label, or null for none. @throws DethroneError `settings_invalid` */
export function checkLabel(label: unknown): string | null {
  if (label === undefined || label === null) return null;
  if (isText(label, LABEL_LENGTH_MAX) && isLabel(label)) return label;
  return invalid(
    "label",
    label,
    `a text of 1 to ${LABEL_LENGTH_MAX} characters that reads neither as a hash nor as a number, and is none of ${RESERVED.join(", ")}`,
  );
}

/** Milliseconds since the epoch of a time. @throws DethroneError `settings_invalid` */
export function timeMs(field: string, value: unknown): number {
  const ms = value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : value;
  if (typeof ms === "number" && Number.isFinite(ms) && ms >= 0) return Math.round(ms);
  return invalid(
    field,
    value,
    "a Date, milliseconds since the epoch, or a text such as 2026-12-01T09:00:00Z",
  );
}
