import { describe, it } from 'mocha';
import { expectLines, Situation } from '../testing/situation.support.test.js';

/** `orders` with a line feed, a carriage return and both together. */
const BROKEN = 'or\nde\rrs\r\n';

describe('when names have line breaks', () => {
  it('reads them without where queues are declared, bound and deleted', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: BROKEN });
    client.send(1, 'queue.declare', { queue: BROKEN, passive: true });
    client.send(1, 'queue.bind', { queue: BROKEN, exchange: 'amq.di\nrect', routingKey: 'k' });
    client.publish(1, 'amq.direct', 'k', 'bound');
    client.send(1, 'basic.get', { queue: 'orders', noAck: true });
    client.send(1, 'queue.unbind', { queue: BROKEN, exchange: 'amq.di\nrect', routingKey: 'k' });
    client.publish(1, 'amq.direct', 'k', 'not bound');
    client.send(1, 'queue.delete', { queue: BROKEN });
    await expectLines(client, [
      '1 queue.declare-ok orders messages=0 consumers=0',
      '1 queue.declare-ok orders messages=0 consumers=0',
      '1 queue.bind-ok',
      '1 basic.get-ok #1 exchange=amq.direct key=k body=bound left=0',
      '1 queue.unbind-ok',
      '1 queue.delete-ok messages=0',
    ]);
  });

  it('reads them without where exchanges are declared, bound and deleted', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'exchange.declare', { exchange: BROKEN, type: 'fanout' });
    client.send(1, 'exchange.declare', { exchange: 'orders', passive: true });
    client.send(1, 'exchange.bind', { source: 'amq.topic\n', destination: BROKEN, routingKey: 'k' });
    client.send(1, 'exchange.unbind', { source: 'amq.topic\n', destination: BROKEN, routingKey: 'k' });
    client.send(1, 'exchange.delete', { exchange: BROKEN });
    client.send(1, 'exchange.declare', { exchange: 'orders', passive: true });
    await expectLines(client, [
      '1 exchange.declare-ok',
      '1 exchange.declare-ok',
      '1 exchange.bind-ok',
      '1 exchange.unbind-ok',
      '1 exchange.delete-ok',
      "1 channel.close 404 NOT_FOUND - no exchange 'orders' in vhost '/' (40,10)",
    ]);
  });

  it('takes them as they are where messages are published, fetched, consumed and purged', async () => {
    await using situation = await Situation.start();
    for (const [name, ids] of [
      ['basic.get', '60,70'],
      ['basic.consume', '60,20'],
      ['queue.purge', '50,30'],
    ] as const) {
      const client = await situation.client();
      client.send(1, 'queue.declare', { queue: 'orders' });
      client.send(1, name, { queue: 'or\nders' });
      await expectLines(client, [
        '1 queue.declare-ok orders messages=0 consumers=0',
        `1 channel.close 404 NOT_FOUND - no queue 'or\nders' in vhost '/' (${ids})`,
      ]);
    }
    const client = await situation.client();
    client.publish(1, 'amq.\ntopic', 'k', 'm');
    const text = "NOT_FOUND - no exchange 'amq.\ntopic' in vhost '/'";
    await expectLines(client, [`1 channel.close 404 ${text} (60,40)`]);
  });

  it('does not let them hide a reserved prefix, or make a new name of the default exchange', async () => {
    await using situation = await Situation.start();
    for (const [exchange, text] of [
      ['a\nmq.mine', "exchange name 'amq.mine' contains reserved prefix 'amq.*'"],
      ['\r\n', 'operation not permitted on the default exchange'],
    ] as const) {
      const client = await situation.client();
      client.send(1, 'exchange.declare', { exchange, type: 'direct' });
      await expectLines(client, [`1 channel.close 403 ACCESS_REFUSED - ${text} (40,10)`]);
    }
  });
});
