import { LeveretError } from '@leveret/core';
import type { ManagementReader } from '../management/management-reader.js';
import {
  type BindingView,
  bindingView,
  type ExchangeView,
  exchangeView,
  type PolicyView,
  policyView,
  type QueueView,
  queueView,
} from '../management/views.js';

/** What is declared in a virtual host: asked of the management API, or read from exported definitions. */
export interface Definitions {
  /** Version of the broker; `undefined` when the export does not say. */
  readonly version: string | undefined;
  readonly exchanges: readonly ExchangeView[];
  readonly queues: readonly QueueView[];
  readonly bindings: readonly BindingView[];
  readonly policies: readonly PolicyView[];
  /** Counts of messages and consumers are known. */
  readonly isLive: boolean;
}

/** Asks the management API. @throws {ManagementApiError} when it cannot be reached or refuses */
export async function askForDefinitions(reader: ManagementReader, version: string): Promise<Definitions> {
  const [exchanges, queues, bindings, policies] = await Promise.all([
    reader.exchanges(),
    reader.queues(),
    reader.bindings(),
    reader.policies(),
  ]);
  return { version, exchanges, queues, bindings, policies, isLive: true };
}

/**
 * Reads definitions as `rabbitmqctl export_definitions` and the management UI write them: of one virtual host or of all.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when they are none
 */
export function readDefinitions(value: unknown, vhost: string): Definitions {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const list = (name: string): readonly Record<string, unknown>[] => {
    const items = Array.isArray(given[name]) ? (given[name] as Record<string, unknown>[]) : [];
    return items.filter((item) => item['vhost'] === undefined || item['vhost'] === vhost);
  };
  if (!Array.isArray(given['queues']) && !Array.isArray(given['exchanges'])) {
    throw new LeveretError(
      'LEV_OPERATION_REFUSED',
      'These are no definitions: expected an object with queues, exchanges and bindings, as rabbitmqctl export_definitions writes.',
    );
  }
  const version = given['rabbitmq_version'] ?? given['rabbit_version'];
  return {
    version: typeof version === 'string' ? version : undefined,
    exchanges: list('exchanges').map(exchangeView),
    queues: list('queues').map(queueView),
    bindings: list('bindings')
      .map(bindingView)
      .filter(({ source }) => source !== ''),
    policies: list('policies').map(policyView),
    isLive: false,
  };
}
