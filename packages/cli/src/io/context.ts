import type { OperationsSession } from '@leveret/operations';
import { connect, type GlobalOptions } from './connection.js';
import type { Io } from './io.js';

/** What a command works with. */
export class Context {
  readonly io: Io;
  /** How it ends; commands set it. */
  exitCode = 0;

  constructor(io: Io) {
    this.io = io;
  }

  /** Does the work with a connection, which is closed behind it. */
  async connected<T>(options: GlobalOptions, work: (session: OperationsSession) => Promise<T>): Promise<T> {
    const session = await connect(options, this.io);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  /** Writes the result: as JSON where that is asked for. */
  result({ json }: GlobalOptions, value: unknown, text: () => string): void {
    this.io.out(json === true ? `${JSON.stringify(value, null, 2)}\n` : text());
  }
}
