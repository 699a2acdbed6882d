import { systemClock } from '@leveret/core';
import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Leveret, Logger } from 'leveret';
import type { MadeApplication } from './application-maker.js';

/** What a connection stands on. */
export interface ConnectionParts {
  readonly made: MadeApplication;
  /** Looks for listeners: at the start, when every provider is there. Answers what is probably not meant. */
  readonly find: () => readonly string[];
  readonly logger: Logger;
  readonly startOnBootstrap: boolean | 'background';
  /** For what runs and for what is published, together. */
  readonly shutdownTimeoutMs: number;
}

/**
 * One connection of leveret in the life of a Nest application.
 *
 * | Nest | leveret |
 * |---|---|
 * | `onApplicationBootstrap` | starts, unless `startOnBootstrap: false` |
 * | `beforeApplicationShutdown` | takes nothing more, and waits for what is running; publishing goes on, for requests that are still answered |
 * | `onApplicationShutdown` | waits for outstanding confirms, and closes the connections |
 */
export class LeveretConnection implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #parts: ConnectionParts;
  #started: Promise<void> | undefined;
  #shutdownAt: number | undefined;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
  }

  /** The application: listeners, publisher, health, events. */
  get app(): Leveret {
    return this.#parts.made.app;
  }

  /**
   * Finds the listeners, connects, declares, consumes. A second call joins the first.
   * @throws {ConfigurationError} with every fault of every listener and option
   * @throws {LeveretError} what else `Leveret.start` throws
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { startOnBootstrap, logger } = this.#parts;
    if (startOnBootstrap === false) return;
    const started = this.start();
    if (startOnBootstrap === true) await started;
    else started.catch((err: unknown) => logger.error({ err }, 'leveret could not be started'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#shutdownAt = systemClock.monotonic();
    const { made, shutdownTimeoutMs } = this.#parts;
    // What is not running has nothing to stop: closing ends a start as well.
    if (this.app.state === 'running') await made.stop(shutdownTimeoutMs);
    else await made.close();
  }

  async onApplicationShutdown(): Promise<void> {
    const spentMs = systemClock.monotonic() - (this.#shutdownAt ?? systemClock.monotonic());
    await this.#parts.made.close(Math.max(0, this.#parts.shutdownTimeoutMs - spentMs));
  }

  async #start(): Promise<void> {
    const { find, logger, made } = this.#parts;
    for (const warning of find()) logger.warn({}, warning);
    await made.start();
  }
}
