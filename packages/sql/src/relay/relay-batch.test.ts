import { silentLogger, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type BatchEnvironment, relayBatch } from './relay-batch.js';
import type { RelayRows } from './relay-rows.js';
import { zeroCounters } from './relay-stats.js';

const row = (id: number) => ({
  id,
  attempts: 1,
  failures: 0,
  exchange: 'e',
  routing_key: String(id),
  properties: '{}',
  headers: '{}',
  mandatory: 1,
  body: Buffer.alloc(0),
});

/** Settles after so many turns of promises. */
async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await undefined;
}

describe('a batch of the relay', () => {
  for (let late = 0; late < 20; late++) {
    it(`writes down a confirm that comes ${late} turns after the write of another began`, async () => {
      const removed: number[] = [];
      let firstWritten: () => void = () => {};
      const written = new Promise<void>((resolve) => {
        firstWritten = resolve;
      });
      const rows = {
        lease: async () => [row(1), row(2)],
        release: async () => 0,
        remove: async (_: string, ids: readonly number[]) => {
          removed.push(...ids);
          firstWritten();
          await turns(10);
          return ids.length;
        },
      } as unknown as RelayRows<unknown>;
      const environment: BatchEnvironment = {
        rows,
        sender: { send: ({ routingKey }) => (routingKey === '1' ? turns(0) : written.then(() => turns(late))) },
        clock: systemClock,
        logger: silentLogger,
        counters: zeroCounters(),
        batchSize: 10,
        leaseMs: 10_000,
        sendTimeoutMs: 10_000,
        refusals: { maxFailures: 1, backoff: { initialIntervalMs: 1, multiplier: 1, maxIntervalMs: 1, jitter: 0 } },
      };
      expect(await relayBatch(environment)).to.deep.equal({ taken: 2, outage: false });
      expect(removed).to.deep.equal([1, 2]);
    });
  }
});
