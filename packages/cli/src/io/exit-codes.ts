/** How a command ends. Written down in docs/cli.md. */
export const EXIT = {
  /** It is done, or there is nothing to report. */
  done: 0,
  /** It could not be done: no connection, refused, interrupted. */
  failed: 1,
  /** There is something to look at: drift, findings, a retry that stopped before the end. */
  attention: 2,
  /** What was asked for is not there. */
  notFound: 3,
  /** The command line is wrong. */
  usage: 64,
  /** Ctrl-C. */
  stopped: 130,
} as const;
