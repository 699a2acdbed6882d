import type { TopologyArguments } from '@leveret/core';

/** What of a queue a queue of another type cannot have. */
export interface Loss {
  /** Argument, or property such as `auto-delete`. */
  readonly name: string;
  readonly value: unknown;
  /** What happens without it. */
  readonly means: string;
}

/** Arguments of a queue as a quorum queue has them. */
export interface CarriedArguments {
  readonly arguments: TopologyArguments;
  /** Those that change what happens to messages: somebody has to agree. */
  readonly losses: readonly Loss[];
  /** Left out, because they mean nothing for a quorum queue. */
  readonly leftOut: readonly string[];
}

/** Where messages of a classic queue are kept, and on which node: quorum queues are on disk, on several. */
const MEANINGLESS: ReadonlySet<string> = new Set(['x-queue-mode', 'x-queue-version', 'x-queue-master-locator']);

/**
 * Decides which arguments go along. Which of them quorum queues refuse was tried on RabbitMQ 3.10, 4.0 and 4.3; those that no broker
 * knows are taken along.
 */
export function carriedArguments(args: TopologyArguments): CarriedArguments {
  const { 'x-queue-type': _, ...given } = args;
  const losses: Loss[] = [];
  const leftOut: string[] = [];
  const kept = Object.entries(given).filter(([name, value]) => {
    if (MEANINGLESS.has(name)) leftOut.push(name);
    const means = lossOf(name, value);
    if (means !== undefined) losses.push({ name, value, means });
    return means === undefined && !MEANINGLESS.has(name);
  });
  return { arguments: { ...Object.fromEntries(kept), 'x-queue-type': 'quorum' }, losses, leftOut };
}

function lossOf(name: string, value: unknown): string | undefined {
  if (name === 'x-max-priority') {
    return 'a quorum queue refuses it: before RabbitMQ 4.0 it knows no priorities, from then on two (up to 4, above), from 4.3 on 32 strict ones';
  }
  if (name === 'x-expires') {
    return 'a quorum queue that expires is deleted although somebody publishes to it (rabbitmq-server#5894): confirmed messages are lost';
  }
  if (name === 'x-overflow' && value === 'reject-publish-dlx') {
    return 'a quorum queue does not know reject-publish-dlx, and drops the oldest message instead; with reject-publish it refuses the newest';
  }
  return undefined;
}
