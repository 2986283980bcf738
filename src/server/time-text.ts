/**
 * Times as pages write them: in UTC, so that everyone who looks at one number speaks of the same moment.
 */

/** A time to the second: "2026-11-21 13:05:09". */
export const secondText = (ms: number): string => new Date(ms).toISOString().replace("T", " ").slice(0, 19);

/** A time to the minute: "2026-11-21 13:05". */
export const minuteText = (ms: number): string => secondText(ms).slice(0, 16);

/** A day: "2026-11-21". */
export const dayText = (ms: number): string => secondText(ms).slice(0, 10);
