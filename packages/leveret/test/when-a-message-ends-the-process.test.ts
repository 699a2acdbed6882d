import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { Supervisor } from './support/supervised-process.js';
import { unique } from './support/unique.js';

const ORDERS = 100;
const POISON = 10;

onEachBroker('when a message ends the process', function (broker) {
  this.timeout(120_000);

  // Starting processes takes its time: what the broker has no part in is asked of one, unless everything is asked for.
  const all = broker.name === 'the embedded broker' || process.env['LEVERET_CRASH_LOOPS'] === 'all';
  const kinds = [
    ['quorum', 3],
    ['classic', undefined],
  ] as const;
  for (const [type, limit] of all ? kinds : kinds.slice(0, 1)) {
    it(`parks it after three ends of three processes, and no innocent message of a ${type} queue`, async () => {
      const raw = await broker.raw();
      const name = unique('crash');
      const parked = await raw.declare(`${name}.parked`);
      const dead = await raw.declareDeadLetters(`${name}.dead`);
      const queue = { name, type, ...(limit === undefined ? {} : { deliveryLimit: limit }) };
      const deadLetter = String(dead.arguments.deadLetterExchange);
      const listener = { queue, deadLetter, id: 'orders', prefetch: 50, crashLoop: true } as const;
      await using supervisor = new Supervisor({ url: broker.url, listener, parked, poison: POISON }, 3);
      await eventually('the queue', async () => (await raw.ready(name)) !== undefined, 60_000);
      const ids = Array.from({ length: ORDERS }, (_, id) => id);
      await Promise.all(ids.map((id) => raw.send(name, { id }, { messageId: `${name}-${id}` })));
      await eventually('the quarantine', async () => (await raw.ready(parked)) === 1, 60_000);
      await eventually('all others', () => new Set(supervisor.handled).size === ORDERS - 1, 60_000);
      await eventually('an empty queue', async () => (await raw.ready(name)) === 0);
      expect(supervisor.crashes).to.equal(3);
      expect(supervisor.begun.get(POISON)).to.equal(3);
      expect(await raw.ready(dead.queue)).to.equal(0);
      const [letter] = await raw.takeAll(parked);
      expect(letter?.headers['x-leveret-reason']).to.equal('crash-loop');
      expect(supervisor.count('crash-loop')).to.equal(1);
    });
  }

  if (!all) return;
  it('holds what it cannot know while its store is down, and loses nothing', async () => {
    const raw = await broker.raw();
    const name = unique('crash');
    const parked = await raw.declare(`${name}.parked`);
    await raw.declare(name);
    for (let id = 0; id < 20; id++) await raw.send(name, { id }, { messageId: `${name}-${id}` });
    const listener = { queue: { name, declare: false }, id: 'orders', prefetch: 5, crashLoop: { after: 2 } } as const;
    await using supervisor = new Supervisor({ url: broker.url, listener, parked, poison: POISON }, 1);
    supervisor.isStoreDown = true;
    await eventually('the first end', () => supervisor.crashes === 1, 60_000);
    await eventually('that it cannot know', () => supervisor.count('crash-loop-unknown') > 0, 60_000);
    expect(supervisor.begun.get(POISON)).to.equal(1);
    supervisor.isStoreDown = false;
    await eventually('the quarantine', async () => (await raw.ready(parked)) === 1, 60_000);
    await eventually('all others', () => new Set(supervisor.handled).size === 19, 60_000);
    expect(supervisor.crashes).to.equal(2);
  });
});
