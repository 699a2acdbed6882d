import { Leveret, type LeveretOptions, type Logger } from 'leveret';

/** A connection of leveret that has been made and not been started. */
export interface MadeApplication {
  readonly app: Leveret;
  /** Reads and checks all listeners, connects, consumes. */
  start(): Promise<void>;
  /** Takes nothing more, and waits for what is running. Publishing goes on. */
  stop(timeoutMs: number): Promise<void>;
  /** @param timeoutMs how long it may take; default: the application's `shutdownTimeout` */
  close(timeoutMs?: number): Promise<void>;
}

/** Makes applications: of leveret itself, or of a harness for tests. */
export interface ApplicationMaker {
  /** Instead of Nest's, where the options name none. */
  readonly logger?: Logger | undefined;
  make(name: string, options: LeveretOptions): MadeApplication | Promise<MadeApplication>;
}

/** Where a test puts a maker of its own. */
export const APPLICATION_MAKER: unique symbol = Symbol('leveret application maker');

/** The maker outside of tests. */
export const leveretMaker: ApplicationMaker = {
  make(_name, options) {
    const app = new Leveret(options);
    return {
      app,
      start: () => app.start(),
      async stop(timeoutMs) {
        await Promise.all([
          ...app.listeners.all.map((listener) => listener.stop({ timeoutMs })),
          ...app.schedules.all.map((schedule) => schedule.stop({ timeoutMs })),
        ]);
      },
      close: (timeoutMs) => app.close(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
    };
  },
};
