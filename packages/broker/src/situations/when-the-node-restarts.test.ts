import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Broker } from '../broker.js';
import { describeSeen, RawClient } from '../testing/raw-client.support.test.js';
import { Situation } from '../testing/situation.support.test.js';

describe('when the node restarts', () => {
  it('keeps durable queues and persistent messages, and says why it closes', async () => {
    // In 4.3 the exchange that is not durable would stay.
    await using situation = await Situation.start({ version: '4.0' });
    const client = await situation.client();
    client.send(1, 'exchange.declare', { exchange: 'kept', type: 'direct', durable: true });
    client.send(1, 'exchange.declare', { exchange: 'gone', type: 'direct' });
    client.send(1, 'queue.declare', { queue: 'durable', durable: true });
    client.send(1, 'queue.declare', { queue: 'transient' });
    client.send(1, 'queue.bind', { queue: 'durable', exchange: 'kept', routingKey: 'k' });
    client.publish(1, '', 'durable', 'persistent', { delivery_mode: 2 });
    client.publish(1, '', 'durable', 'not persistent', { delivery_mode: 1 });
    client.publish(1, '', 'durable', 'held', { delivery_mode: 2 });
    client.send(1, 'basic.get', { queue: 'durable' });
    await client.settle();
    const { port } = situation.broker;
    await situation.broker.restart();
    expect(describeSeen(await client.next('connection.close'))).to.equal(
      "0 connection.close 320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown' (0,0)",
    );
    expect(situation.broker.port).to.equal(port);
    expect(situation.broker.queues().map(({ name }) => name)).to.deep.equal(['durable']);
    const texts = situation.broker.queue('durable')?.messages.map(({ text }) => text);
    expect(texts).to.deep.equal(['persistent', 'held']);
    const exchanges = situation.broker.exchanges().filter(({ name }) => !/^(amq\..*)?$/.test(name));
    expect(exchanges.map(({ name, bindings }) => [name, bindings.length])).to.deep.equal([['kept', 1]]);
    const again = await situation.client();
    again.publish(1, 'kept', 'k', 'new');
    await again.settle();
    expect(situation.broker.queue('durable')?.ready).to.equal(3);
  });

  it('is down after a stop, and back with what is durable at its port and that of its management API', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const { broker } = situation;
    const [{ port }, management] = [broker, `${broker.managementUrl?.replace('guest:guest@', '')}/api/overview`];
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'durable', durable: true });
    client.publish(1, '', 'durable', 'persistent', { delivery_mode: 2 });
    await client.settle();
    await broker.stop();
    expect(describeSeen(await client.next('connection.close'))).to.contain('320 CONNECTION_FORCED');
    expect(String(await RawClient.open(port).catch((error: unknown) => error))).to.contain('ECONNREFUSED');
    expect(String(await fetch(management).catch((error: Error) => error.cause))).to.contain('ECONNREFUSED');
    expect(broker.queue('durable')?.ready).to.equal(1);
    await broker.restart();
    expect([broker.port, broker.queue('durable')?.ready]).to.deep.equal([port, 1]);
    expect((await fetch(management)).status).to.equal(401);
    await (await situation.client()).settle();
  });

  it('says nothing when it is killed, and gives back what clients held', async () => {
    await using situation = await Situation.start();
    const { broker } = situation;
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'durable', durable: true });
    client.publish(1, '', 'durable', 'held', { delivery_mode: 2 });
    client.publish(1, '', 'durable', 'not persistent', { delivery_mode: 1 });
    client.send(1, 'basic.get', { queue: 'durable' });
    await client.next('basic.get-ok');
    await client.settle();
    await broker.kill();
    expect((await client.next()).name).to.equal('socket closed');
    await broker.restart();
    const messages = broker.queue('durable')?.messages.map(({ text, redelivered }) => [text, redelivered]);
    expect(messages).to.deep.equal([['held', true]]);
  });

  it('stays closed once it was closed, although it was down before', async () => {
    const broker = await Broker.start();
    await broker.kill();
    await broker.close();
    expect(String(await broker.restart().catch((error: unknown) => error))).to.contain('it was closed');
  });

  it('starts in a blink, twice over', async () => {
    await using situation = await Situation.start();
    const from = performance.now();
    await situation.broker.restart();
    await situation.broker.restart();
    expect(performance.now() - from).to.be.below(2000);
    const client = await RawClient.connect(situation.broker.port);
    client.destroy();
  });
});
