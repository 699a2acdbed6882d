import type { Topology } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { bindingOf, exchangeOf, queueOf, topologyOf } from '../test-support/declarations.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { uniqueName } from '../test-support/test-broker.js';
import { useTransport } from '../test-support/use-transport.js';

onEachNode('when a declaration is refused', (broker) => {
  const here = useTransport(broker);

  async function refusal(parts: Partial<Topology>): Promise<Error> {
    await here.transport.declare(topologyOf(parts));
    const error = await rejectionOf(here.transport.connect('consume'));
    expect(error).to.include({ code: 'LEV_TOPOLOGY_REFUSED' });
    return error as Error;
  }

  it('stops the start over an argument that makes no sense, and says which', async () => {
    const queue = here.admin.queueName('bad');
    const error = await refusal({ queues: [queueOf(queue, { arguments: { 'x-message-ttl': -1 } })] });
    expect(error.message).to.include(queue).and.include('x-message-ttl').and.include('value_negative');
  });

  it('stops the start over an exchange type that the broker does not have', async () => {
    const exchange = here.admin.exchangeName('type');
    const error = await refusal({ exchanges: [exchangeOf(exchange, { type: 'x-nonsense' })] });
    expect(error.message).to.include(exchange).and.include('enable it');
  });

  it('stops the start over a binding to an exchange that nobody declares', async () => {
    const queue = here.admin.queueName('bound');
    const error = await refusal({ queues: [queueOf(queue)], bindings: [bindingOf('no.such.exchange', queue, 'key')] });
    expect(error.message).to.include('no.such.exchange').and.include(queue).and.include('create it first');
  });

  it('goes on after a later declaration that cost the connection', async () => {
    await here.transport.connect('consume');
    const exchange = here.admin.exchangeName('type');
    const error = await rejectionOf(
      here.transport.declare(topologyOf({ exchanges: [exchangeOf(exchange, { type: 'x-nonsense' })] })),
    );
    expect(error).to.include({ code: 'LEV_TOPOLOGY_REFUSED' });
    await here.transport.connect('consume');
    expect(here.transport.health()[0]).to.include({ state: 'connected' });
  });

  it('leaves exclusive queues to the connection that consumes them', async () => {
    // It goes with its connection, a moment later on some versions: the admin must not try to delete it meanwhile.
    const queue = uniqueName('exclusive');
    const exchange = here.admin.exchangeName('exclusive');
    await here.transport.declare(
      topologyOf({
        exchanges: [exchangeOf(exchange)],
        queues: [queueOf(queue, { exclusive: true, durable: false })],
        bindings: [bindingOf(exchange, queue, 'key')],
      }),
    );
    await Promise.all([here.transport.connect('publish'), here.transport.connect('consume')]);
    expect(here.events.filter(({ type }) => type === 'declare-failed')).to.deep.equal([]);
  });

  it('declares a lazy queue as this version of the broker knows it', async () => {
    const queue = here.admin.queueName('lazy');
    await here.transport.declare(topologyOf({ queues: [queueOf(queue, { lazy: true })] }));
    await Promise.all([here.transport.connect('consume'), here.transport.connect('publish')]);
    const knowsLazy = /^3\.([0-9]|1[01])\./.test(here.transport.broker?.version ?? '');
    expect(here.events.filter(({ type }) => type === 'notice')).to.have.lengthOf(knowsLazy ? 0 : 1);
    await here.admin.on((channel) =>
      channel.assertQueue(queue, { arguments: knowsLazy ? { 'x-queue-mode': 'lazy' } : {} }),
    );
  });
});
