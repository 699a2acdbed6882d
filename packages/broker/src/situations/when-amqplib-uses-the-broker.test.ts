import amqplib from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Broker } from '../broker.js';
import { TEST_CERTIFICATE, TEST_KEY } from '../testing/certificate.support.test.js';
import { VERSIONS } from '../testing/situation.support.test.js';

describe('when amqplib uses the broker', () => {
  for (const version of VERSIONS) {
    it(`declares, publishes with confirms, consumes and acknowledges (${version})`, async () => {
      await using broker = await Broker.start({ version });
      const connection = await amqplib.connect(broker.url);
      const channel = await connection.createConfirmChannel();
      await channel.assertExchange('events', 'topic');
      await channel.assertQueue('q', { deadLetterExchange: '', deadLetterRoutingKey: 'dead' });
      await channel.assertQueue('dead');
      await channel.bindQueue('q', 'events', 'order.#');
      for (let i = 0; i < 100; i++) channel.publish('events', `order.${i}`, Buffer.from(`${i}`), { persistent: true });
      await channel.waitForConfirms();
      await channel.prefetch(10);
      const seen: string[] = [];
      await new Promise<void>((resolve) => {
        void channel.consume('q', (message) => {
          if (message === null) return;
          seen.push(message.content.toString());
          if (seen.length % 10 === 0) channel.reject(message, false);
          else channel.ack(message);
          if (seen.length === 100) resolve();
        });
      });
      await channel.close();
      expect(seen).to.deep.equal(Array.from({ length: 100 }, (_, i) => `${i}`));
      expect(broker.queue('dead')?.messages.map(({ text }) => text)).to.deep.equal(
        Array.from({ length: 10 }, (_, i) => `${i * 10 + 9}`),
      );
      await connection.close();
    });
  }

  it('speaks TLS', async () => {
    await using broker = await Broker.start({ tls: { cert: TEST_CERTIFICATE, key: TEST_KEY } });
    expect(broker.url).to.match(/^amqps:/);
    const connection = await amqplib.connect(broker.url, { ca: [TEST_CERTIFICATE] });
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('');
    channel.sendToQueue(queue, Buffer.from('secret'));
    const got = await channel.get(queue, { noAck: true });
    expect(got === false ? got : got.content.toString()).to.equal('secret');
    await connection.close();
  });
});
