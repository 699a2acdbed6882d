import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { Message, Publication } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import { DelayedPublishes } from '../publisher/delayed-publishes.js';
import type { RedeliverPolicy } from '../retry/failure-policy.js';
import type { Topology } from '../topology/topology.js';
import type { Transport } from '../transport/transport.js';
import type { ListenerDefinition } from './listener-definition.js';
import { Redeliveries } from './redeliveries.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

const POLICY: RedeliverPolicy = { delaysMs: [1000, 2000], jitter: 0, native: true };
const RECORD = { redeliveries: 1, attempts: 3, firstFailedAt: 0, history: [] };

function setUp(
  parts: Partial<ListenerDefinition> = {},
  { holdsBack = false, refuses }: { holdsBack?: boolean; refuses?: (bound: string) => boolean } = {},
) {
  const declared: string[] = [];
  const sent: Publication[] = [];
  const counts = new Map<string, number>();
  const state: { fails: Error | undefined } = { fails: undefined };
  const transport = {
    broker: { product: 'RabbitMQ', version: '3.10.0', frameMax: 131_072 },
    holdsBack: (queue: string) => holdsBack && queue === 'orders',
    countMessages: async (queue: string) => counts.get(queue) ?? 'missing',
    declare: async ({ exchanges, queues, bindings }: Topology) => {
      const text = [...exchanges, ...queues].map(({ name }) => name).join(' ');
      const bound = bindings.filter(({ source }) => source === 'leveret.return').map(({ destination }) => destination);
      if (refuses?.(bound.join()) === true) throw new Error('no such queue');
      declared.push(`${text}${bound.length > 0 ? ` -> ${bound.join(' ')}` : ''}`);
    },
  } as unknown as Transport;
  const delayed = new DelayedPublishes(transport, 5_000);
  const sender = {
    frameMax: 131_072,
    send: async (publication: Publication): Promise<void> => {
      if (state.fails !== undefined) throw state.fails;
      sent.push(publication);
    },
  };
  const definition = { queue: 'orders', redeliver: POLICY, missingQueue: 'fail', ...parts } as ListenerDefinition;
  const clock = new FakeClock();
  const redeliveries = new Redeliveries({ definition, transport, sender: sender as never, delayed, clock });
  return { redeliveries, declared, sent, counts, delayed, state, sender, transport, clock };
}

describe('Redeliveries', () => {
  it('declares what messages wait in, and how they find back, once', async () => {
    const { redeliveries, declared } = setUp();
    await redeliveries.declare();
    expect(declared).to.have.length(2);
    expect(declared[0]).to.contain('leveret.wait.1000 leveret.wait.2000');
    expect(declared[1]).to.match(/^leveret\.stranded leveret\.return leveret\.stranded -> orders$/);
    await redeliveries.declare();
    expect(declared).to.have.length(2);
  });

  it('has nothing to do for a listener that does not redeliver', async () => {
    const { redeliveries, declared } = setUp({ redeliver: undefined });
    await redeliveries.declare();
    expect([declared, redeliveries.inspect(), redeliveries.queues, redeliveries.isNative]).to.deep.equal([
      ...[[], undefined, [], false],
    ]);
  });

  it('leaves a missing queue for later only where the listener waits for it', async () => {
    const refuses = (bound: string) => bound === 'orders';
    const waits = setUp({ missingQueue: 'wait' }, { refuses });
    await waits.redeliveries.declare();
    expect(waits.declared).to.have.length(1);
    const fails = await setUp({}, { refuses })
      .redeliveries.declare()
      .then(() => 'declared', String);
    expect(fails).to.equal('Error: no such queue');
  });

  it('is done by the queue itself where that follows the rule, and holds back', () => {
    const native = (policy: RedeliverPolicy, holdsBack: boolean, queue = 'orders') =>
      setUp({ redeliver: policy, queue }, { holdsBack }).redeliveries.isNative;
    expect(native(POLICY, true)).to.equal(true);
    expect([native(POLICY, false), native({ ...POLICY, native: false }, true)]).to.deep.equal([false, false]);
    expect([native({ ...POLICY, delaysMs: [10, 60, 600] }, true), native(POLICY, true, 'other')]).to.deep.equal([
      ...[false, false],
    ]);
    expect(setUp({}, { holdsBack: true }).redeliveries.inspect()?.way).to.equal('native');
  });

  it('sends a copy to the queue of its delay, or by the digits of any other', async () => {
    const { redeliveries, sent, declared } = setUp();
    expect(await redeliveries.send(aMessage(), RECORD, 2000)).to.equal('ladder');
    expect(sent[0]).to.include({ exchange: 'leveret.wait.2000', routingKey: 'orders', mandatory: true });
    expect(declared).to.have.length(2);
    expect(await redeliveries.send(aMessage(), RECORD, 5000)).to.equal('levels');
    expect(sent[1]).to.include({ exchange: 'leveret.delay.02', routingKey: 'orders' });
    expect(sent[1]?.headers).to.include({ 'leveret-delay-to': 'leveret.return', 'x-leveret-redeliveries': 1 });
    expect(await redeliveries.send(aMessage(), RECORD, Number.MAX_SAFE_INTEGER)).to.equal('levels');
    expect(sent[2]?.exchange).to.equal('leveret.delay.27');
  });

  it('declares everything once more when a copy was not taken', async () => {
    const { redeliveries, declared, state } = setUp();
    await redeliveries.send(aMessage(), RECORD, 1000);
    state.fails = new Error('nack');
    expect(await redeliveries.send(aMessage(), RECORD, 1000).then(() => 'sent', String)).to.equal('Error: nack');
    state.fails = undefined;
    await redeliveries.send(aMessage(), RECORD, 1000);
    expect(declared).to.have.length(4);
  });

  it('tells what waited at the last look, of which delay, and what is stranded', async () => {
    const { redeliveries, counts, delayed } = setUp();
    expect([redeliveries.queues, redeliveries.inspect()]).to.deep.equal([
      [],
      { way: 'ladder', delaysMs: [1000, 2000] },
    ]);
    await delayed.room();
    expect(redeliveries.queues).to.deep.equal(['leveret.wait.1000', 'leveret.wait.2000', 'leveret.stranded']);
    expect(redeliveries.inspect()).to.deep.equal({ way: 'ladder', delaysMs: [1000, 2000] });
    counts.set('leveret.wait.2000', 7).set('leveret.stranded', 1);
    await delayed.look(['leveret.wait.2000', 'leveret.stranded'], 100);
    expect(redeliveries.inspect()).to.deep.equal({
      ...{ way: 'ladder', delaysMs: [1000, 2000] },
      waiting: [{ delayMs: 2000, messages: 7, untilAt: 2100 }],
      stranded: { queue: 'leveret.stranded', messages: 1 },
    });
  });

  it('tells of a single delay, too', async () => {
    const { redeliveries, delayed } = setUp({ redeliver: { ...POLICY, delaysMs: [1000] } });
    await delayed.room();
    expect(redeliveries.queues).to.deep.equal(['leveret.wait.1000', 'leveret.stranded']);
  });

  it('has sent a copy when the broker has it, whatever way it goes, and binds its queue before', async () => {
    for (const delayMs of [1000, 5000]) {
      const { redeliveries, sender, declared } = setUp();
      let confirm: () => void = () => {};
      sender.send = () =>
        new Promise<void>((resolve) => {
          confirm = resolve;
        });
      let sent = false;
      const sending = redeliveries.send(aMessage(), RECORD, delayMs).then(() => {
        sent = true;
      });
      await turn();
      expect(sent).to.equal(false);
      expect(declared.some((each) => each.endsWith('-> orders'))).to.equal(true);
      confirm();
      await sending;
    }
  });

  it('sends nothing by any way before its way back is there', async () => {
    for (const how of ['ladder', 'levels', 'release'] as const) {
      const { redeliveries, sender, delayed, counts, transport, clock } = setUp();
      const order: string[] = [];
      const once = delayed.once.bind(delayed);
      delayed.once = async (name, topologies) => {
        await turn();
        await once(name, topologies);
        order.push(name);
      };
      sender.send = async () => void order.push('sent');
      if (how === 'release') {
        const scripted = new ScriptedTransport();
        Object.assign(transport, { subscribe: scripted.subscribe.bind(scripted) });
        counts.set('leveret.wait.1000', 1);
        const releasing = redeliveries.release();
        for (let i = 0; i < 20 && scripted.subscriptions.length === 0; i++) await turn();
        scripted.last.deliverMessage({ routingKey: 'orders' });
        await clock.advance(1000);
        await releasing;
      } else await redeliveries.send(aMessage(), RECORD, how === 'ladder' ? 1000 : 5000);
      expect(order.indexOf('return orders'), how).to.be.within(0, order.indexOf('sent'));
      expect(order.at(-1)).to.equal('sent');
    }
  });

  it('declares the queues in which messages wait before what leads back from them', async () => {
    const order: string[] = [];
    const { redeliveries, delayed } = setUp();
    const once = delayed.once.bind(delayed);
    delayed.once = async (name, topologies) => {
      order.push(`begins ${name}`);
      await turn();
      await once(name, topologies);
      order.push(`has ${name}`);
    };
    await redeliveries.declare();
    expect(order).to.deep.equal([
      'begins rungs 1000 2000',
      'has rungs 1000 2000',
      'begins return orders',
      'has return orders',
    ]);
  });

  describe('brought back', () => {
    /** Places that hold one message each, which are looked through by the scripted transport. */
    async function release({ holdsBack = false } = {}) {
      const { redeliveries, counts, sent, declared, delayed, transport, clock } = setUp({}, { holdsBack });
      const scripted = new ScriptedTransport();
      Object.assign(transport, { subscribe: scripted.subscribe.bind(scripted) });
      await delayed.onItsWay({ ...aMessage(), properties: {}, mandatory: true } as never, 1000);
      for (const queue of ['leveret.wait.1000', 'leveret.delay.00', 'leveret.stranded']) counts.set(queue, 2);
      const report = redeliveries.release();
      const looked: string[] = [];
      const deliver = async (of: Partial<Message>, foreign: Partial<Message>) => {
        for (let i = 0; i < 20 && scripted.subscriptions.length <= looked.length; i++) await turn();
        const { last } = scripted;
        looked.push(last.request.queue);
        last.deliverMessage(foreign);
        last.deliverMessage(of);
        await turn();
        expect(last.channel.frames).to.deep.equal(['basic.ack 2']);
        await clock.advance(1000);
        expect(last.channel.frames).to.deep.equal(['basic.ack 2', 'basic.nack 1 requeue']);
      };
      const back = { 'leveret-delay-to': 'leveret.return' };
      await deliver({ routingKey: 'orders' }, { routingKey: 'other' });
      await deliver(
        { routingKey: 'orders', headers: back },
        { routingKey: 'orders', headers: { 'leveret-delay-to': 'x' } },
      );
      await deliver({ routingKey: 'orders', exchange: 'leveret.return' }, { routingKey: 'orders', exchange: 'x' });
      return { report: await report, looked, sent, declared };
    }

    it('is what waits for its queue, in every place, and nothing of others', async () => {
      const { report, looked, sent, declared } = await release();
      expect(looked).to.deep.equal(['leveret.wait.1000', 'leveret.delay.00', 'leveret.stranded']);
      expect(report).to.deep.equal({ released: 3, complete: true });
      expect(sent.map(({ exchange, routingKey }) => [exchange, routingKey])).to.deep.equal(
        Array(3).fill(['leveret.wait.0', 'orders']),
      );
      expect(declared.some((each) => each.endsWith('-> orders'))).to.equal(true);
      expect(declared.some((each) => each.includes('leveret.wait.0'))).to.equal(true);
    });

    it('is not all where the queue itself holds messages back', async () => {
      expect((await release({ holdsBack: true })).report).to.deep.equal({ released: 3, complete: false });
    });
  });
});
