import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { ABroker } from '../test-support/a-broker.js';
import { HandClock } from '../test-support/hand-clock.js';
import { commitMigration, rollBackMigration } from './end-migration.js';
import { moveMessages } from './move-messages.js';

const MARKER = 'leveret.migration.orders';
const COPIES = 'leveret.migrating.orders';

describe('the end of a migration', () => {
  let log: string[];
  let there: Set<string>;
  let locks: string[];
  beforeEach(() => {
    [log, locks] = [[], []];
    there = new Set([MARKER, 'orders.v2']);
  });
  const session = () => {
    const marker = { 'x-leveret-to': 'orders.v2', 'x-leveret-arguments': '{}', 'x-leveret-bindings': '[]' };
    const queues = [...there].map((name) => ({ name, arguments: name === MARKER ? marker : {}, effective: {} }));
    const none = async () => [];
    const reader = { queues: async () => queues, exchanges: none, bindings: none, policies: none };
    return {
      ...{ needManagement: async () => reader, management: async () => reader },
      exclusively: <T>(to: string, queue: string, work: () => Promise<T>) => {
        locks.push(`${to} ${queue}`);
        return work();
      },
      broker: {
        broker: { version: '4.3.6' },
        deleteExchange: async (name: string) => void log.push(`exchange ${name}`),
        deleteQueue: async (name: string) => void log.push(`queue ${name}`),
      },
    } as unknown as OperationsSession;
  };
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('it ended'),
      (error: unknown) => error as Error & { code: string },
    );

  it('is done again where a process died behind the deletion: what belongs to it goes, its marker last', async () => {
    expect(await commitMigration(session(), { queue: 'orders' })).to.deep.equal({
      ...{ from: 'orders', to: 'orders.v2', state: 'committed', why: undefined, moved: 0, consumers: 0 },
    });
    expect(log).to.deep.equal([`exchange ${COPIES}`, `queue ${MARKER}`]);
    expect(locks).to.deep.equal(['move orders']);
  });

  it('leads back where the new queue was never declared', async () => {
    there = new Set([MARKER, 'orders']);
    expect(await rollBackMigration(session(), { queue: 'orders' })).to.deep.equal({
      ...{ from: 'orders.v2', to: 'orders', state: 'rolled-back', why: undefined, moved: 0, consumers: 0 },
    });
    expect(log).to.deep.equal([`exchange ${COPIES}`, `queue ${MARKER}`]);
  });

  it('does not lead back to a queue that is gone', async () => {
    const error = await failure(rollBackMigration(session(), { queue: 'orders' }));
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(error.message).to.contain('its migration was being committed');
    expect(log).to.deep.equal([]);
  });

  it('needs a migration that is under way', async () => {
    there.delete(MARKER);
    for (const end of [commitMigration, rollBackMigration]) {
      expect(await failure(end(session(), { queue: 'orders' }))).to.include({ code: 'LEV_NOTHING_FOUND' });
    }
    expect(log).to.deep.equal([]);
  });
});

describe('moveMessages', () => {
  it('takes each away once it is confirmed elsewhere, tells of each, and closes its channel', async () => {
    const clock = new HandClock();
    const broker = new ABroker(clock, 3);
    const told: number[] = [];
    const move = () => moveMessages(broker.session, 'q', 'copies', { ready: 0 }, (moved) => told.push(moved));
    expect(await clock.through(move())).to.equal(3);
    expect([told, broker.ids, broker.published.map(({ exchange }) => exchange)]).to.deep.equal([
      [1, 2, 3],
      [],
      ['copies', 'copies', 'copies'],
    ]);
    broker.put('m4');
    broker.confirm = () => ({ kind: 'nack', returned: undefined });
    const error = await clock.through(move().catch((thrown: unknown) => thrown));
    expect(error).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect([broker.ids, told.length]).to.deep.equal([['m4'], 3]);
    expect(broker.log.filter((line) => line === 'close writer')).to.have.lengthOf(2);
  });
});
