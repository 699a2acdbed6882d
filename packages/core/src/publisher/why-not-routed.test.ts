import { expect } from 'chai';
import { describe, it } from 'mocha';
import { EMPTY_TOPOLOGY } from '../topology/merge-topologies.js';
import { whyNotRouted } from './why-not-routed.js';

const binding = (routingKey: string) => ({
  source: 'pay.direct',
  destination: 'q',
  destinationType: 'queue' as const,
  routingKey,
  arguments: {},
});
const topology = (keys: readonly string[]) => ({
  ...EMPTY_TOPOLOGY,
  exchanges: [{ name: 'pay.direct' }] as never,
  queues: [{ name: 'orders' }] as never,
  bindings: keys.map(binding),
});
const to = (exchange: string, routingKey: string) => ({ exchange, routingKey }) as never;

describe('whyNotRouted', () => {
  it('says that an application has not been started', () => {
    expect(whyNotRouted(to('pay.direct', 'x'), 'exchange', undefined)).to.match(
      /has not been started.*await its start/,
    );
    expect(whyNotRouted(to('', 'orders'), 'queue', undefined)).to.match(/has not been started/);
  });

  it('names the keys that are bound here, and the one that was meant', () => {
    expect(whyNotRouted(to('pay.direct', 'pay.sucess'), 'queue', topology(['pay.success', 'a', 'a']))).to.equal(
      "This application binds it with 'pay.success', 'a'. Did you mean 'pay.success'?",
    );
    const many = Array.from({ length: 10 }, (_, index) => `key-${'x'.repeat(index)}`);
    expect(whyNotRouted(to('pay.direct', 'other'), 'queue', topology(many))).to.match(/'key-xxxxxxx' and 2 others$/);
  });

  it('names the exchange or the queue that was meant', () => {
    expect(whyNotRouted(to('pay.drect', 'x'), 'exchange', topology([]))).to.equal("Did you mean 'pay.direct'?");
    expect(whyNotRouted(to('', 'order'), 'queue', topology([]))).to.equal("Did you mean 'orders'?");
  });

  it('says nothing of what it does not know', () => {
    expect(whyNotRouted(to('elsewhere', 'x'), 'queue', topology(['a']))).to.equal(undefined);
    expect(whyNotRouted(to('elsewhere', 'x'), 'exchange', topology([]))).to.equal(undefined);
    // Declared, bound, and gone meanwhile: the key was right.
    expect(whyNotRouted(to('pay.direct', 'a'), 'queue', topology(['a']))).to.equal(
      "This application binds it with 'a'",
    );
  });
});
