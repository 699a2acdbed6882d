import {
  type ApplicationIdentity,
  type Clock,
  ConfigurationError,
  errorText,
  type Logger,
  type StoreCheck,
  type StoreConcern,
  within,
} from '@leveret/core';

/** How the stores of an application are. */
export interface StoreHealth {
  /** The name under which they are used. */
  readonly service: string;
  /** What is amiss; nothing when all is well. */
  readonly concerns: readonly StoreConcern[];
}

/** How long a server may take to answer. */
const WITHIN_MS = 5_000;
const EVERY_MS = 60_000;

/** Asks the stores of an application whether they are safe: at the start, and every minute. Tells the log what is new. */
export class StoreWatch {
  readonly #checks: readonly StoreCheck[];
  readonly #application: ApplicationIdentity;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #concerns: readonly StoreConcern[] = [];
  #cancel: () => void = () => {};
  #stopped = false;

  constructor(checks: readonly StoreCheck[], application: ApplicationIdentity, clock: Clock, logger: Logger) {
    this.#checks = checks;
    this.#application = application;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Asks for the first time. @throws {ConfigurationError} with what no store can work with */
  async start(): Promise<void> {
    if (this.#checks.length === 0) return;
    const faults = await this.#ask();
    if (faults.length > 0) throw new ConfigurationError(faults);
    this.#askLater();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** `undefined` where there is nothing to be asked. */
  get health(): StoreHealth | undefined {
    if (this.#checks.length === 0) return undefined;
    return { service: this.#application.service, concerns: this.#concerns };
  }

  #askLater(): void {
    if (this.#stopped) return;
    this.#cancel = this.#clock.after(EVERY_MS * (0.75 + Math.random() / 2), () => {
      void this.#ask().then(() => this.#askLater());
    });
  }

  /** Never rejects; answers the faults of configuration. */
  async #ask(): Promise<readonly string[]> {
    const answers = await Promise.all(this.#checks.map((check) => this.#one(check)));
    const known = new Set(this.#concerns.map(({ text }) => text));
    const found = new Map(answers.flatMap(({ concerns }) => concerns.map((concern) => [concern.text, concern])));
    for (const concern of found.values()) {
      if (known.has(concern.text)) continue;
      const { service } = this.#application;
      this.#logger[concern.kind === 'service-conflict' ? 'error' : 'warn'](
        { kind: concern.kind, service },
        concern.text,
      );
    }
    this.#concerns = [...found.values()];
    return answers.flatMap(({ faults }) => faults);
  }

  async #one(store: StoreCheck): Promise<{ concerns: readonly StoreConcern[]; faults: readonly string[] }> {
    try {
      const asked = Promise.resolve().then(() => store.check(this.#application));
      const concerns = await within(this.#clock, WITHIN_MS, asked, (): never => {
        throw new Error(`there was no answer within ${WITHIN_MS} ms`);
      });
      return { concerns, faults: [] };
    } catch (error) {
      const text = `A store cannot be used: ${errorText(error)}`;
      const faults = error instanceof ConfigurationError ? error.problems : [];
      return { concerns: [{ kind: 'unreachable', text }], faults };
    }
  }
}
