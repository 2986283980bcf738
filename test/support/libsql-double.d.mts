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
  /** bodies of the requests it has let in */
  readonly sent: Pipeline[];
  close(): Promise<void>;
}

/** Starts one over a file of its own. */
export function startLibsqlDouble(options: {
  readonly path: string;
  readonly port?: number;
  readonly token?: string | null;
}): Promise<LibsqlDouble>;
