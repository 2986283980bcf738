import { inLaterTurn } from "./platform.js";

/** Lets the host's timers and requests run between two pages of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => inLaterTurn(resolve));
