import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Health, Leveret } from 'leveret';
import { getLeveretToken } from '../connection/tokens.js';

/** What `@nestjs/terminus` takes from an indicator, by its key. */
export type LeveretHealthResult<Key extends string = string> = Record<Key, LeveretHealthEntry>;

/** How one connection is. */
export interface LeveretHealthEntry {
  readonly status: 'up' | 'down';
  /** As leveret sees it: `degraded` counts as `up`, unless told otherwise. */
  readonly state: Health['status'];
  /** Connections that do not stand, or are blocked. */
  readonly connections: readonly string[];
  /** Listeners that should run, and do not with all their consumers. */
  readonly listeners: readonly string[];
}

/** Options of {@link LeveretHealthIndicator.isHealthy}. */
export interface LeveretHealthOptions {
  /** Name of the connection. Default: the one without. */
  readonly connection?: string;
  /**
   * What `degraded` counts as: something is amiss, but not everything. Default `'up'`: a service that is restarted for a paused
   * listener, or for one of two connections that is coming back, is worse off.
   */
  readonly degraded?: 'up' | 'down';
}

/**
 * An indicator for `@nestjs/terminus` 11 and 12. It asks nobody: leveret knows how it is at every moment.
 *
 * ```ts
 * @Get() @HealthCheck()
 * check() { return this.health.check([() => this.leveret.isHealthy('rabbitmq')]); }
 * ```
 */
@Injectable()
export class LeveretHealthIndicator {
  readonly #moduleRef: ModuleRef;

  constructor(moduleRef: ModuleRef) {
    this.#moduleRef = moduleRef;
  }

  /**
   * @param key under which the result stands. Default `'leveret'`
   * @throws {Error} when there is no connection of that name
   */
  isHealthy<Key extends string = 'leveret'>(
    key: Key = 'leveret' as Key,
    options: LeveretHealthOptions = {},
  ): LeveretHealthResult<Key> {
    const { connection, degraded = 'up' } = options;
    const app = this.#moduleRef.get<unknown, Leveret>(getLeveretToken(connection) as string, { strict: false });
    return { [key]: entryOf(app.health(), degraded) } as LeveretHealthResult<Key>;
  }
}

/** What a health comes to. */
export function entryOf(health: Health, degraded: 'up' | 'down'): LeveretHealthEntry {
  const { status: state } = health;
  return {
    status: state === 'degraded' ? degraded : state,
    state,
    connections: health.connections
      .filter((each) => each.state !== 'connected' || each.blocked)
      .map((each) => `${each.role}: ${each.blocked ? 'blocked' : each.state}`),
    listeners: health.listeners
      .filter((each) => each.state !== 'stopped' && !(each.state === 'running' && each.attached === each.wanted))
      .map((each) => `${each.id}: ${each.state}, ${each.attached} of ${each.wanted} consumers`),
  };
}
