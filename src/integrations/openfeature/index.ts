/**
 * `dethrone/openfeature`: an OpenFeature server provider. Needs `@openfeature/server-sdk` beside it.
 */
export type { FlagEngine, FlagProject, FlagSession } from "./engine.js";
export type { TargetingKey } from "./flag-sessions.js";
export { type DethroneProvider, openFeatureProvider, type ProviderOptions } from "./provider.js";
