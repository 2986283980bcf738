/**
 * Every table that there is.
 */
export * from "./access.js";
export * from "./archive.js";
export * from "./governance.js";
export * from "./main.js";
export * from "./remote.js";
export * from "./studies.js";
export * from "./webhooks.js";
