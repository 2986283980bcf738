/** What goes wrong with a request. */
export type Fault =
  /** the connection ends before anything is done */
  | "cut"
  /** it ends when all is done, before the reply */
  | "lose"
  /** it ends at once, and what was asked is done later */
  | { readonly until: Promise<void> }
  /** a refusal */
  | { readonly status: number; readonly text?: string };

/** The body of a request. */
export interface Pipeline {
  readonly requests: readonly {
    readonly type: string;
    readonly batch?: { readonly steps: readonly { readonly stmt: { readonly sql?: string } }[] };
  }[];
}

/** A double of a libSQL server, that is running. */
export interface LibsqlDouble {
  readonly url: string;
  /** requests it has let in */
  trips: number;
  latencyMs: number;
  token: string | null;
  /** asked before each request is carried out */
  fault: (body: Pipeline, trip: number) => Fault | null;
  close(): Promise<void>;
}

/** Starts one over a file, or, without one, over every file that a URL names: `<url>/<path in base64url>`. */
export function startLibsqlDouble(options: {
  readonly path?: string;
  readonly port?: number;
  readonly token?: string | null;
  /** what its commits wait for; default: the disk */
  readonly synchronous?: "FULL" | "OFF";
}): Promise<LibsqlDouble>;
