import { expect } from 'chai';
import { describe, it } from 'mocha';
import { queueView } from '../management/views.js';
import { readDefinitions } from '../topology/definitions.js';
import { type MigrationChoice, planMigration, straightTo } from './plan-migration.js';

function plan(queue: Record<string, unknown>, choice: MigrationChoice = {}, more: object = {}) {
  const there = readDefinitions({ rabbitmq_version: '4.0.5', queues: [queue], ...more }, '/');
  return planMigration(queueView({ name: 'orders', ...queue }), choice, there);
}

describe('planMigration', () => {
  it('takes along what a quorum queue can have', () => {
    const kept = {
      'x-message-ttl': 5,
      'x-dead-letter-exchange': 'dlx',
      'x-single-active-consumer': true,
      'x-own': 'a',
    };
    const { from, to, arguments: args, losses, faults } = plan({ arguments: { ...kept, 'x-queue-type': 'classic' } });
    expect({ from, to, losses, faults }).to.eql({ from: 'orders', to: 'orders.v2', losses: [], faults: [] });
    expect(args).to.eql({ ...kept, 'x-queue-type': 'quorum' });
  });

  const losses: readonly (readonly [string, object])[] = [
    ['x-max-priority', { arguments: { 'x-max-priority': 5 } }],
    ['x-expires', { arguments: { 'x-expires': 5 } }],
    ['x-overflow', { arguments: { 'x-overflow': 'reject-publish-dlx' } }],
    ['auto-delete', { auto_delete: true }],
  ];
  for (const [name, queue] of losses) {
    it(`asks before ${name} is lost`, () => {
      expect(plan({ ...queue }).losses.map((loss) => loss.name)).to.eql([name]);
      const agreed = plan({ ...queue }, { without: [name] });
      expect(agreed.losses).to.eql([]);
      expect(agreed.arguments).to.eql({ 'x-queue-type': 'quorum' });
    });
  }

  it('sets an argument differently, which needs no agreement', () => {
    const changed = plan(
      { arguments: { 'x-overflow': 'reject-publish-dlx' } },
      { arguments: { 'x-overflow': 'reject-publish', 'x-delivery-limit': 5 } },
    );
    expect(changed.losses).to.eql([]);
    expect(changed.arguments).to.eql({
      ...{ 'x-overflow': 'reject-publish', 'x-delivery-limit': 5, 'x-queue-type': 'quorum' },
    });
  });

  it('leaves out what says where a classic queue keeps its messages', () => {
    const { notes, arguments: args } = plan({ arguments: { 'x-queue-mode': 'lazy', 'x-queue-master-locator': 'a' } });
    expect(args).to.eql({ 'x-queue-type': 'quorum' });
    expect(notes[0]).to.include('x-queue-mode, x-queue-master-locator');
  });

  const notes: readonly (readonly [string, string, () => readonly string[]])[] = [
    ['the delivery limit', '20 failed deliveries', () => plan({}).notes],
    ['at least once', 'at-least-once', () => plan({ arguments: { 'x-dead-letter-exchange': 'dlx' } }).notes],
    [
      'a policy that stays behind',
      'policy "p" (max-length) does not apply to orders.v2',
      () => plan({ policy: 'p' }, {}, { policies: [policy('^orders$', { 'max-length': 5 })] }).notes,
    ],
    [
      'a policy for classic queues',
      'policy "p" (max-length) does not apply to orders.v2',
      () => plan({ policy: 'p' }, {}, { policies: [policy('', { 'max-length': 5 }, 'classic_queues')] }).notes,
    ],
    [
      'what a policy says in vain',
      'queue-mode of policy "p"',
      () => plan({ policy: 'p' }, {}, { policies: [policy('^orders', { 'queue-mode': 'lazy' })] }).notes,
    ],
  ];
  for (const [what, text, find] of notes) it(`says ${what}`, () => expect(find().join('\n')).to.include(text));

  it('says nothing of a limit where there is one, or none by itself', () => {
    const limited = plan({ arguments: { 'x-delivery-limit': 3 } });
    const old = plan({}, {}, { rabbitmq_version: '3.10.8' });
    for (const { notes: said } of [limited, old]) expect(said.join()).not.to.include('20 failed');
  });

  const faults: readonly (readonly [string, object, MigrationChoice])[] = [
    ['it is a stream', { type: 'stream' }, {}],
    ['it is exclusive', { exclusive: true }, {}],
    ['a quorum queue already', { type: 'quorum' }, {}],
    ['another name', {}, { as: 'orders' }],
    ['"there" is there already', {}, { as: 'there' }],
  ];
  for (const [text, queue, choice] of faults) {
    it(`refuses: ${text}`, () => {
      const { faults: found } = plan({ ...queue }, choice, { queues: [{ name: 'there' }] });
      expect(found).to.have.length(1);
      expect(found[0]).to.include(text);
    });
  }

  it('gives a quorum queue another name', () => {
    expect(plan({ type: 'quorum', arguments: { 'x-queue-type': 'quorum' } }, { as: 'old.name' }).faults).to.eql([]);
  });

  it('takes the bindings of the queue alone, and none of the migration itself', () => {
    const bind = (source: string, destination: string) => ({ source, destination, destination_type: 'queue' });
    const bindings = [bind('ex', 'orders'), bind('leveret.migrating.orders', 'orders'), bind('ex', 'others')];
    expect(plan({}, {}, { bindings }).bindings.map(({ source }) => source)).to.eql(['ex']);
  });
});

describe('straightTo', () => {
  it('finds dead letters by argument and by policy', () => {
    const named = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'orders' };
    const queues = [
      { name: 'a', arguments: named },
      {
        name: 'b',
        effective_policy_definition: { 'dead-letter-exchange': '', 'dead-letter-routing-key': 'orders' },
      },
      { name: 'c', arguments: { ...named, 'x-dead-letter-routing-key': 'others' } },
      { name: 'd', arguments: { ...named, 'x-dead-letter-exchange': 'ex' } },
    ].map(queueView);
    expect(straightTo('orders', queues)).to.eql(['a', 'b']);
  });
});

function policy(pattern: string, definition: object, applyTo = 'queues') {
  return { name: 'p', pattern, definition, 'apply-to': applyTo };
}
