import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Topology } from '../topology/topology.js';
import { applicationPlan } from './application-plan.js';
import { aDefinition, aQueueDeclaration, type ListenerParts } from './listener-harness.support.test.js';

const TOPOLOGY: Topology = {
  exchanges: [],
  queues: [aQueueDeclaration()],
  bindings: [],
  policies: [],
};

function planned(parts: ListenerParts = {}) {
  const { listeners } = applicationPlan('billing', TOPOLOGY, [aDefinition(parts)]);
  return listeners[0];
}

describe('applicationPlan', () => {
  it('says what would be declared, for which service, and consumed', () => {
    const { listeners, ...declared } = applicationPlan('billing', TOPOLOGY, [
      aDefinition({ definition: { prefetch: 7, concurrency: 3, timeoutMs: 5000 } }),
    ]);
    expect(declared).to.deep.equal({ service: 'billing', ...TOPOLOGY });
    expect(listeners).to.deep.equal([
      {
        ...{ id: 'Orders.onPaid', queue: 'orders', prefetch: 7, concurrency: 3, timeoutMs: 5000 },
        ...{ attempts: 1, stateful: false, waitMs: 0, redeliverMs: [] },
      },
    ]);
    expect(JSON.parse(JSON.stringify(listeners))).to.deep.equal(listeners);
  });

  const backoff = { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 10_000, jitter: 0.5 };

  it('holds a delivery for all waits of its attempts together, at their longest', () => {
    expect(planned({ retry: { maxAttempts: 3, backoff } })).to.include({
      ...{ attempts: 3, stateful: false, waitMs: 1500 + 3000 },
    });
    expect(planned({ retry: { maxAttempts: 1, backoff } })).to.include({ attempts: 1, waitMs: 0 });
  });

  it('holds it for the longest of them where each attempt is a delivery of its own', () => {
    expect(planned({ retry: { maxAttempts: 4, stateless: false, backoff } })).to.include({
      ...{ attempts: 4, stateful: true, waitMs: 6000 },
    });
    expect(planned({ retry: { maxAttempts: 1, stateless: false, backoff } })).to.include({ waitMs: 0 });
  });

  it('says when what fails comes again', () => {
    const redeliver = { delaysMs: [60_000, 600_000] } as never;
    expect(planned({ definition: { redeliver } })?.redeliverMs).to.deep.equal([60_000, 600_000]);
  });
});
