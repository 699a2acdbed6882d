import { processScreen, type Screen } from './terminal.js';

/** What a command reads and writes; replaced in tests. */
export interface Io {
  /** A piece of text for whoever reads the result. */
  out(text: string): void;
  /** A piece of text beside the result: progress, faults. */
  err(text: string): void;
  /** Whether `err` is a terminal, on which a line can be written again. */
  readonly isTerminal: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Everything on standard input. */
  input(): Promise<string>;
  /** Fires at the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** The terminal as a whole, where there is one. */
  screen?(): Screen | undefined;
}

/** The process. */
export function processIo(): Io {
  const stop = new AbortController();
  process.once('SIGINT', () => {
    stop.abort();
    // A second one ends the process as usual.
  });
  // A reader that has seen enough, as `head` has, is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    env: process.env,
    async input() {
      const parts: Buffer[] = [];
      for await (const part of process.stdin) parts.push(part as Buffer);
      return Buffer.concat(parts).toString('utf8');
    },
    signal: stop.signal,
    screen: processScreen,
  };
}
