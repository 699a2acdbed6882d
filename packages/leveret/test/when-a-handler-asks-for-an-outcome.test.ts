import { expect } from 'chai';
import { AcknowledgeMessage, type ListenerOptions, RejectMessage, RequeueMessage } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a handler asks for an outcome', (broker) => {
  const RETRY = { maxAttempts: 5, initialInterval: 1 };

  /** What was sent for one message whose handler throws `error` at first, and how often it was called. */
  async function outcomeOf(error: Error, options: Partial<ListenerOptions>) {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('asks'));
    const queue = await raw.declare(unique('asks'), dead.arguments);
    let calls = 0;
    const listener = orderListener({ queue, ...options }, (_order, context) => {
      calls++;
      if (!context.redelivered) throw error;
      if (options.acknowledge === 'manual') context.ack();
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    const expected = error instanceof RequeueMessage || error.cause instanceof RequeueMessage ? 2 : 1;
    await eventually('the settlement', () => proxy.settlements().length === expected);
    await running.app.close();
    return { sent: proxy.settlements(), calls, dead: (await raw.takeAll(dead.queue)).length };
  }

  it('rejects for a RejectMessage two causes deep, without a retry [spring 2]', async () => {
    const deep = new Error('outer', { cause: new Error('middle', { cause: new RejectMessage('inner') }) });
    expect(await outcomeOf(deep, { retry: RETRY })).to.deep.equal({ sent: ['reject'], calls: 1, dead: 1 });
    expect(await outcomeOf(deep, {})).to.deep.equal({ sent: ['reject'], calls: 1, dead: 1 });
  });

  it('requeues for a RequeueMessage whatever the default says [spring 22]', async () => {
    const wrapped = new Error('outer', { cause: new RequeueMessage() });
    const requeued = { sent: ['reject requeue', 'ack'], calls: 2, dead: 0 };
    expect(await outcomeOf(wrapped, { defaultRequeueRejected: false })).to.deep.equal(requeued);
    expect(await outcomeOf(new RequeueMessage(), { retry: RETRY })).to.deep.equal(requeued);
  });

  it('acknowledges for an AcknowledgeMessage although the handler failed', async () => {
    const wrapped = new Error('outer', { cause: new AcknowledgeMessage() });
    expect(await outcomeOf(wrapped, { retry: RETRY })).to.deep.equal({ sent: ['ack'], calls: 1, dead: 0 });
  });

  it('obeys the first of several in the chain', async () => {
    const both = new RejectMessage('first', { cause: new AcknowledgeMessage('second') });
    expect((await outcomeOf(both, {})).sent).to.deep.equal(['reject']);
    const otherWay = new AcknowledgeMessage('first', { cause: new RejectMessage('second') });
    expect((await outcomeOf(otherWay, {})).sent).to.deep.equal(['ack']);
  });

  it('obeys in manual mode as well [spring 12]', async () => {
    const manual = { acknowledge: 'manual' } as const;
    expect((await outcomeOf(new AcknowledgeMessage(), manual)).sent).to.deep.equal(['ack']);
    expect((await outcomeOf(new RejectMessage(), manual)).sent).to.deep.equal(['reject']);
    expect((await outcomeOf(new RequeueMessage(), manual)).sent).to.deep.equal(['reject requeue', 'ack']);
  });
});
