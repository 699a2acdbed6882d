import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when a queue exists with other arguments', (broker) => {
  let admin: BrokerAdmin;
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];
  let queue: string;

  beforeEach(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    queue = await admin.makeQueue(admin.queueName('other'), { arguments: { 'x-message-ttl': 60_000 } });
    events = [];
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await admin.close();
  });

  function transportWith(mismatch: 'fail' | 'warn'): AmqplibTransport {
    transport = new AmqplibTransport({ connection: { urls: broker.url }, mismatch });
    transport.on((event) => events.push(event));
    return transport;
  }

  const failures = () => events.filter((event) => event.type === 'declare-failed');

  it('says what differs and what to do, declares the rest, and consumes the queue as it is', async () => {
    const [exchange, other] = [admin.exchangeName('rest'), admin.queueName('rest')];
    transportWith('warn');
    await transport.declare(
      topologyOf({
        exchanges: [exchangeOf(exchange)],
        queues: [queueOf(queue), queueOf(other)],
        bindings: [bindingOf(exchange, queue, 'key')],
      }),
    );
    const sink = new RecordingSink();
    await transport.connect('consume');
    await transport.subscribe(consumeRequest(queue), sink).ready;
    expect(failures()).to.have.lengthOf(1);
    expect(failures()[0]).to.nested.include({ fatal: false, 'error.code': 'LEV_TOPOLOGY_MISMATCH' });
    expect(failures()[0]!.error.message)
      .to.include(`Queue "${queue}" exists with other properties`)
      .and.include('x-message-ttl was declared as nothing, the broker has "60000"')
      .and.include('message-ttl with a policy')
      .and.include('delete the queue');
    expect(await admin.ready(other)).to.equal(0);
    await admin.on((channel) => Promise.resolve(channel.publish(exchange, 'key', Buffer.from('bound'))));
    await eventually('the message', () => sink.bodies.includes('bound'));
  });

  it('says so once, not on every connection', async () => {
    transportWith('warn');
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    await Promise.all([transport.connect('consume'), transport.connect('publish')]);
    expect(failures()).to.have.lengthOf(1);
  });

  it("stops the start with mismatch: 'fail'", async () => {
    transportWith('fail');
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    const error = await rejectionOf(transport.connect('consume'));
    expect(error).to.include({ code: 'LEV_TOPOLOGY_MISMATCH' });
    expect(failures()[0]).to.include({ fatal: true, error });
    expect(transport.health()[0]).to.include({ state: 'failed' });
  });

  it('takes the queue as it is when it is only declared if missing', async () => {
    const missing = admin.queueName('missing');
    transportWith('fail');
    await transport.declare(
      topologyOf({
        queues: [queueOf(queue, { declare: 'if-missing' }), queueOf(missing, { declare: 'if-missing' })],
      }),
    );
    await transport.connect('consume');
    expect(failures()).to.deep.equal([]);
    expect(await admin.ready(missing)).to.equal(0);
  });

  it('refuses a later declaration by name and forgets it', async () => {
    transportWith('fail');
    await transport.connect('consume');
    const error = await rejectionOf(transport.declare(topologyOf({ queues: [queueOf(queue)] })));
    expect(error).to.include({ code: 'LEV_TOPOLOGY_MISMATCH' });
    await transport.connect('publish');
    expect(failures()).to.have.lengthOf(1);
  });
});
