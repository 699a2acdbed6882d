import { type Clock, type Logger, logSafely } from '@leveret/core';
import { type OperationsOptions, OperationsSession } from '@leveret/operations';

/** The connection of the console: opened when it is first needed, and anew when it was lost. */
export class BrokerLink {
  readonly #options: OperationsOptions;
  readonly #logger: Logger;
  #opening: Promise<OperationsSession> | undefined;
  #session: OperationsSession | undefined;
  #isClosed = false;

  constructor(options: OperationsOptions, clock: Clock, logger: Logger) {
    this.#options = { ...options, clock };
    this.#logger = logger;
  }

  /** @throws {LeveretError} LEV_CONNECTION_FAILED, LEV_AUTHENTICATION_REFUSED */
  async session(): Promise<OperationsSession> {
    if (this.#session?.broker.isOpen === true) return this.#session;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session ?? (await this.#opening?.catch(() => undefined));
    await session?.close();
  }

  async #open(): Promise<OperationsSession> {
    const session = await OperationsSession.connect(this.#options);
    if (this.#isClosed) {
      await session.close();
      throw closed();
    }
    session.broker.onEnd(() => {
      if (!this.#isClosed)
        logSafely(this.#logger, 'warn', {}, 'the console has lost its connection; it opens another when it is needed');
    });
    this.#session = session;
    return session;
  }
}

function closed(): Error {
  return new Error('The console is closed.');
}
