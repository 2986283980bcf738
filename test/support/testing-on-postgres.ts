/** In the place of `src/testing.ts` where tests run on Postgres: a test that names no database gets one there. */
// The detour in the path is what keeps this file from being put in its own place.
import * as testing from "../../src/./testing.js";
import { temporaryDatabase } from "./temporary.js";

export * from "../../src/./testing.js";

export const createTestEngine: typeof testing.createTestEngine = (options = {}) =>
  testing.createTestEngine({ ...options, url: options.url ?? temporaryDatabase() });
