import { expect } from 'chai';
import { type Logger, lazyPolicy, QueueBuilder, silentLogger } from 'leveret';
import { afterEach, describe, it } from 'mocha';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

onEachBroker('when queues are lazy', (broker) => {
  /** Brokers from 3.12 on always keep messages on disk: leveret leaves the argument out there, and says so. */
  const expectedArguments = () => (broker.isAtLeast('4.0') ? {} : { 'x-queue-mode': 'lazy' });

  for (const [how, options] of [
    ['the annotation', (name: string) => ({ queue: name, lazy: true })],
    ['options', (name: string) => ({ queue: { name, lazy: true } })],
    ['the builder', (name: string) => ({ queue: QueueBuilder.durable(name).lazy() })],
  ] as const) {
    it(`declares x-queue-mode=lazy by ${how}, where the broker knows it`, async () => {
      const raw = await broker.raw();
      const queue = unique('lazy');
      const resumption = new Resumption(raw, queue);
      const listener = orderListener(options(queue), resumption.took);
      await using running = await startApp(broker.url, { listeners: [listener] });
      await resumption.untilTaken();
      expect((await broker.management.queue(queue)).arguments).to.deep.include(expectedArguments());
      if (broker.isAtLeast('4.0')) {
        expect((await broker.management.queue(queue)).arguments).to.not.have.property('x-queue-mode');
        expect(running.of('notice').map(({ text }) => text)).to.satisfy((texts: readonly string[]) =>
          texts.some((text) => text.includes(queue) && text.includes('lazy')),
        );
      } else {
        expect(running.count('notice')).to.equal(0);
      }
    });
  }

  describe('by policy', () => {
    const policy = unique('Lazy');
    afterEach('take the policy away', () => broker.management.deletePolicy(policy));

    it('sets the policy of a queue that exists already, through the management API', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('lazy-queue'));
      const resumption = new Resumption(raw, queue);
      const pattern = `^${queue.replaceAll('.', '\\.')}$`;
      const lines: string[] = [];
      const logger: Logger = { ...silentLogger, info: (_fields, text) => lines.push(text) };
      await using _running = await startApp(broker.url, {
        logger,
        listeners: [orderListener(queue, resumption.took)],
        topology: [lazyPolicy(pattern, policy)],
        management: { url: broker.managementUrl },
      });
      await resumption.untilTaken();
      if (broker.isAtLeast('4.0')) {
        expect(lines.filter((text) => text.includes(policy))).to.have.lengthOf(1);
        expect(await broker.management.policyDefinition(policy)).to.equal(undefined);
      } else {
        const found = await broker.management.queueWithPolicy(queue, policy);
        expect(found.effective_policy_definition).to.deep.equal({ 'queue-mode': 'lazy' });
      }
    });
  });
});
