import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';

const MISSING = "NOT_FOUND - no exchange 'gone' in vhost '/'";

describe('Publisher callbacks', () => {
  it('calls onReturn before onConfirm, and both before the promise settles', async () => {
    const { publisher, transport } = setUp();
    const seen: string[] = [];
    publisher.onReturn((returned) => seen.push(`return ${returned.replyCode} ${returned.routingKey}`));
    publisher.onConfirm((answer) => seen.push(`confirm ${answer.ack} ${answer.messageId}`));
    const publishing = publisher
      .publish('orders', 'nobody', 'x', { messageId: 'm1' })
      .catch(() => seen.push('rejected'));
    await turn();
    transport.channel.return();
    transport.channel.ack();
    await publishing;
    expect(seen).to.deep.equal(['return 312 nobody', 'confirm true m1', 'rejected']);
  });

  it('calls onReturn also without confirms, where the message comes back after its publish is over', async () => {
    const { publisher, transport } = setUp({ confirms: 'none' });
    const keys: string[] = [];
    publisher.onReturn(({ routingKey }) => keys.push(routingKey));
    const written = watch(publisher.publish('orders', 'nobody', 'x'));
    await turn();
    transport.channel.ack();
    await turn();
    expect(written.value).to.include({ confirmed: false });
    for (const publication of transport.channel.sent) transport.channel.returnLate(publication);
    expect(keys).to.deep.equal(['nobody']);
    expect(publisher.stats.returned).to.equal(1);
  });

  it('calls onConfirm for each ack, and never where there are no confirms', async () => {
    for (const confirms of ['correlated', 'none'] as const) {
      const { publisher, transport } = setUp({ confirms });
      const seen: unknown[] = [];
      publisher.onConfirm((answer) => seen.push(answer));
      watch(publisher.publish('orders', 'paid', 'x', { messageId: 'm1' }));
      await turn();
      transport.channel.ack();
      await turn();
      const [publication] = transport.channel.sent;
      expect(seen).to.deep.equal(
        confirms === 'none' ? [] : [{ ack: true, reason: undefined, messageId: 'm1', publication }],
      );
    }
  });

  it('tells of each receipt in an event, where somebody listens', async () => {
    for (const idle of [false, true]) {
      const events: unknown[] = [];
      const sink = { idle, emit: (event: unknown) => void events.push(event) };
      const { publisher, transport, clock } = setUp({}, { events: sink as never });
      const publishing = watch(publisher.publish('orders', 'paid', 'x', { messageId: 'm1' }));
      await clock.advance(7);
      transport.channel.ack();
      await turn();
      const receipt = { messageId: 'm1', confirmed: true, confirmMs: 7, attempts: 1 };
      expect(publishing.value).to.deep.equal(receipt);
      const [publication] = transport.channel.sent;
      expect(events).to.deep.equal(idle ? [] : [{ type: 'publish-confirmed', publication, receipt }]);
    }
  });

  it('counts what the broker answers', async () => {
    const { publisher, transport } = setUp({ retry: false });
    const counted = async (answer: () => void) => {
      watch(publisher.publish('orders', 'paid', 'x'));
      await turn();
      answer();
      await turn();
      const { published, confirmed, nacked, returned, failed, retried, held } = publisher.stats;
      return [published, confirmed, nacked, returned, failed, retried, held];
    };
    expect(await counted(() => transport.channel.ack())).to.deep.equal([1, 1, 0, 0, 0, 0, 0]);
    expect(await counted(() => transport.channel.nack())).to.deep.equal([2, 1, 1, 0, 1, 0, 0]);
    const bounced = () => {
      transport.channel.return();
      transport.channel.ack();
    };
    expect(await counted(bounced)).to.deep.equal([3, 1, 1, 1, 2, 0, 0]);
  });

  it('reports nacks without and channel errors with a reason', async () => {
    const { publisher, transport } = setUp({ retry: false });
    const seen: unknown[] = [];
    publisher.onConfirm(({ ack, reason }) => seen.push([ack, reason]));
    watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.nack();
    watch(publisher.publish('gone', 'paid', 'x'));
    transport.channel.fail(404, MISSING);
    expect(seen).to.deep.equal([
      [false, undefined],
      [false, MISSING],
    ]);
  });

  it('can publish from inside a callback', async () => {
    const { publisher, transport } = setUp({ window: 1 });
    let again: Promise<unknown> | undefined;
    publisher.onReturn(() => {
      again ??= publisher.publish('other', 'k', 'again');
    });
    watch(publisher.publish('orders', 'nobody', 'x'));
    await turn();
    transport.channel.return();
    transport.channel.ack();
    transport.channel.ack();
    expect(await again).to.include({ attempts: 1 });
  });

  it('logs what a callback throws or rejects with, and goes on', async () => {
    const logged: unknown[] = [];
    const log = (fields: { readonly err?: unknown }) => logged.push(fields.err);
    const { publisher, transport } = setUp({}, { logger: { debug: log, info: log, warn: log, error: log } });
    const [thrown, rejected] = [new Error('thrown'), new Error('rejected')];
    publisher.onConfirm(() => {
      throw thrown;
    });
    publisher.onConfirm(() => Promise.reject(rejected));
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.ack();
    await turn();
    expect(publishing.value).to.include({ confirmed: true });
    expect(logged).to.deep.equal([thrown, rejected]);
  });

  it('stops calling back when told so', async () => {
    const { publisher, transport } = setUp();
    let calls = 0;
    const stop = publisher.onConfirm(() => calls++);
    stop();
    const stopReturns = publisher.onReturn(() => calls++);
    stopReturns();
    watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.return();
    transport.channel.ack();
    expect(calls).to.equal(0);
  });
});
