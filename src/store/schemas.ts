/**
 * Every table that there is.
 */
export * from "./access-schema.js";
export * from "./archive-schema.js";
export * from "./governance-schema.js";
export * from "./remote-schema.js";
export * from "./schema.js";
export * from "./study-schema.js";
export * from "./webhook-schema.js";
