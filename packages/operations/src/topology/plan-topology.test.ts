import type { ApplicationPlan } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { mergePlans, readPlan } from './application-plan.js';
import { readDefinitions } from './definitions.js';
import { planTopology } from './plan-topology.js';

const exchange = (name: string, more: object = {}) => ({
  ...{ name, declare: 'always', type: 'topic', durable: true, autoDelete: false, internal: false, arguments: {} },
  ...more,
});
const queue = (name: string, more: object = {}) => ({
  ...{ name, declare: 'always', type: 'classic', durable: true, exclusive: false, autoDelete: false, lazy: false },
  arguments: {},
  ...more,
});
const binding = (source: string, destination: string, routingKey: string) => ({
  ...{ source, destination, destinationType: 'queue', routingKey, arguments: {} },
});
const listener = {
  id: 'L',
  queue: 'q1',
  prefetch: 10,
  concurrency: 1,
  attempts: 1,
  redeliverMs: [1000],
  stateful: false,
  waitMs: 0,
  timeoutMs: undefined,
};

const PLAN = {
  service: undefined,
  exchanges: [
    exchange('e1'),
    exchange('e2'),
    exchange('e3'),
    exchange('named', { declare: 'if-missing', type: 'direct' }),
  ],
  queues: [
    queue('q1'),
    queue('q2', { arguments: { 'x-message-ttl': 1000 } }),
    queue('q3'),
    queue('q4', { type: 'quorum' }),
    queue('q5'),
    queue('own', { exclusive: true }),
  ],
  bindings: [binding('e1', 'q1', 'a'), binding('e1', 'q2', 'b'), binding('e1', 'own', 'c')],
  policies: [
    { name: 'p1', pattern: '^q', definition: { 'max-length': 5 }, applyTo: 'queues', priority: 1 },
    { name: 'p2', pattern: '^q', definition: { 'max-length': 5 }, applyTo: 'queues', priority: 1 },
  ],
  listeners: [listener],
} as unknown as ApplicationPlan;

/** Exported definitions with fourteen drifts in them. */
const THERE = {
  rabbitmq_version: '4.0.5',
  exchanges: [
    { name: 'e1', vhost: '/', type: 'direct', durable: true, arguments: {} },
    { name: 'e2', vhost: '/', type: 'topic', durable: true, arguments: { 'alternate-exchange': 'x' } },
    { name: 'named', vhost: '/', type: 'fanout', durable: false, arguments: {} },
    { name: 'e3', vhost: '/other', type: 'topic', durable: true, arguments: {} },
  ],
  queues: [
    { name: 'q1', vhost: '/', durable: false, arguments: {} },
    { name: 'q2', vhost: '/', durable: true, arguments: { 'x-message-ttl': 2000 } },
    { name: 'q3', vhost: '/', durable: true, arguments: { 'x-max-length': 9 } },
    { name: 'q4', vhost: '/', durable: true, arguments: {} },
    { name: 'old', vhost: '/', durable: true, arguments: {} },
    { name: 'leveret.wait.1000', vhost: '/', durable: true, arguments: { 'x-queue-type': 'quorum' } },
    { name: 'leveret.wait.5000', vhost: '/', durable: true, arguments: { 'x-queue-type': 'quorum' } },
    { name: 'of-others', vhost: '/', durable: true, arguments: {} },
  ],
  bindings: [
    { source: 'e1', vhost: '/', destination: 'q1', destination_type: 'queue', routing_key: 'a', arguments: {} },
    { source: 'e1', vhost: '/', destination: 'q1', destination_type: 'queue', routing_key: 'old', arguments: {} },
    { source: 'e1', vhost: '/', destination: 'old', destination_type: 'queue', routing_key: 'o', arguments: {} },
  ],
  policies: [
    { name: 'p1', vhost: '/', pattern: '^q', 'apply-to': 'queues', priority: 1, definition: { 'max-length': 6 } },
  ],
};

describe('planTopology', () => {
  it('lists every planted drift, and nothing else', () => {
    const drift = planTopology(PLAN, readDefinitions(THERE, '/'));
    expect(
      drift.map(({ kind, object, name, argument }) => [kind, object, name, argument].filter(Boolean).join(' ')),
    ).to.eql([
      'differs exchange e1 type',
      'differs exchange e2 alternate-exchange',
      'create exchange e3',
      'differs queue q1 durable',
      'differs queue q2 x-message-ttl',
      'differs queue q3 x-max-length',
      'differs queue q4 x-queue-type',
      'create queue q5',
      'create binding e1 -> q2 (b)',
      'differs policy p1 max-length',
      'create policy p2',
      'unused queue old',
      'unused queue leveret.wait.5000',
      'unused binding e1 -> q1 (old)',
    ]);
    expect(drift.find(({ name }) => name === 'q2')).to.include({ wanted: 1000, actual: 2000 });
    expect(drift.find(({ name }) => name === 'q2')?.wayOut).to.include('message-ttl by a policy');
    expect(drift.find(({ name }) => name === 'q4')?.wayOut).to.include('quorum');
  });

  it('finds nothing where everything is as it is declared', () => {
    const there = {
      exchanges: PLAN.exchanges.map(({ name, type }) => ({ name, type, durable: true, arguments: {} })),
      queues: PLAN.queues.map(({ name, type, arguments: args }) => ({
        ...{ name, durable: true },
        arguments: type === 'quorum' ? { ...args, 'x-queue-type': 'quorum' } : args,
      })),
      bindings: PLAN.bindings.map(({ source, destination, routingKey }) => ({
        ...{ source, destination, destination_type: 'queue', routing_key: routingKey, arguments: {} },
      })),
      policies: PLAN.policies.map(({ applyTo, ...policy }) => ({ ...policy, 'apply-to': applyTo })),
    };
    expect(planTopology(PLAN, readDefinitions(there, '/'))).to.eql([]);
  });

  it('says what is no plan, and what are no definitions', () => {
    expect(() => readPlan({ queues: [] }, 'x.json')).to.throw('x.json is no plan');
    expect(() => readPlan(undefined, 'x')).to.throw('is no plan');
    expect(() => readDefinitions([], '/')).to.throw('no definitions');
  });

  it('takes several applications as one', () => {
    const both = mergePlans([PLAN, { ...PLAN, service: 'b', listeners: [{ ...listener, id: 'M' }] }]);
    expect(both.queues).to.have.length(PLAN.queues.length);
    expect(both.listeners.map(({ id }) => id)).to.eql(['L', 'M']);
    expect(mergePlans([{ ...PLAN, service: 's' }]).service).to.equal('s');
  });
});
