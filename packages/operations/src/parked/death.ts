import type { MessageHeaders } from '@leveret/core';

/** One line of `x-death`: how often, why and where a message was dead-lettered. */
export interface Death {
  readonly queue: string;
  /** `rejected`, `expired`, `maxlen` or `delivery_limit`; other text when a broker says so. */
  readonly reason: string;
  /** Exchange that the message had been published to. */
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  readonly count: number;
  /** Milliseconds since the epoch of the first such death. */
  readonly at: number | undefined;
}

/** Reads `x-death`, newest first as the broker writes it. Whoever publishes can write it, too: what has not the right shape is left out. */
export function readDeaths(headers: MessageHeaders): readonly Death[] {
  const lines = headers['x-death'];
  if (!Array.isArray(lines)) return [];
  return lines.slice(0, 100).flatMap((line: unknown) => {
    if (typeof line !== 'object' || line === null) return [];
    const table = line as Record<string, unknown>;
    const { queue, reason, exchange } = table;
    if (typeof queue !== 'string' || typeof reason !== 'string') return [];
    const keys = table['routing-keys'];
    return [
      {
        queue,
        reason,
        exchange: typeof exchange === 'string' ? exchange : '',
        routingKeys: Array.isArray(keys) ? keys.filter((key): key is string => typeof key === 'string') : [],
        count: typeof table['count'] === 'number' ? table['count'] : 1,
        at: secondsOf(table['time']),
      },
    ];
  });
}

/** The death that counts: the newest that was a failure. A message that waited in a queue with a time to live died there, too. */
export function lastFailure(deaths: readonly Death[]): Death | undefined {
  return deaths.find(({ reason }) => reason === 'rejected' || reason === 'delivery_limit') ?? deaths[0];
}

/** A timestamp as amqplib shows it: seconds in an object that says so. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === 'object' && value !== null ? (value as { value?: unknown }).value : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
