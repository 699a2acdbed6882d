import { BrokerSession } from '@leveret/amqplib';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { ManagementReader } from '../management/management-reader.js';
import { HandClock } from '../test-support/hand-clock.js';
import { type OperationsOptions, OperationsSession, ownName } from './operations-session.js';

const LOCKED = () => new Error('405 RESOURCE_LOCKED - cannot obtain exclusive access');
const FORBIDDEN = () => new Error('403 ACCESS_REFUSED - configure access refused');

describe('ownName', () => {
  it('is the name behind the prefix, or a digest of it where that is longer than AMQP allows', () => {
    expect(ownName('leveret.x.', 'orders')).to.equal('leveret.x.orders');
    const longest = `${'é'.repeat(122)}x`;
    expect(ownName('leveret.x.', longest)).to.equal(`leveret.x.${longest}`);
    const digest = ownName('leveret.x.', `${longest}x`);
    expect(digest).to.match(/^leveret\.x\.[0-9a-f]{32}$/);
    expect(ownName('leveret.x.', `${longest}y`)).to.not.equal(digest);
  });
});

describe('OperationsSession', () => {
  let clock: HandClock;
  let log: string[];
  let declare: (name: string, options: object) => Promise<unknown>;
  let learned: object | undefined;
  let answer: (path: string) => Promise<unknown>;
  let asked: string[];
  let open: sinon.SinonStub;

  beforeEach(() => {
    clock = new HandClock();
    [log, asked, learned] = [[], [], undefined];
    declare = async () => undefined;
    answer = async () => ({ listeners: [{ port: 5673 }] });
    const broker = {
      declareQueue: (name: string, options: object) => {
        log.push(`declare ${name} ${JSON.stringify(options)}`);
        return declare(name, options);
      },
      deleteQueue: async (name: string) => void log.push(`delete ${name}`),
      learnQueue: async () => learned,
      close: async () => void log.push('close'),
    };
    open = sinon.stub(BrokerSession, 'open').resolves(broker as never);
    sinon.stub(ManagementReader.prototype, 'get').callsFake((path) => {
      asked.push(path);
      return answer(path);
    });
  });
  afterEach(() => sinon.restore());

  const connect = (options: OperationsOptions = {}) => OperationsSession.connect({ clock, ...options });
  const at = (port: number) => connect({ connection: { urls: `amqp://u:p@127.0.0.1:${port}/shop` } });
  const failure = async (work: Promise<unknown>) =>
    (await clock.through(
      work.then(
        () => expect.fail('it was done'),
        (error: unknown) => error,
      ),
    )) as Error & { code?: string };

  it('connects under a name of its own, to the first host, and closes once it is disposed of', async () => {
    {
      await using session = await at(5673);
      expect(open.firstCall.args[0]).to.include({ name: `leveret-operations:${process.pid}` });
      expect(open.firstCall.args[1]).to.equal(clock);
      expect(session.host).to.include({ hostname: '127.0.0.1', port: 5673, username: 'u', vhost: 'shop' });
    }
    expect(log).to.deep.equal(['close']);
  });

  it('refuses options that are none, before it connects', async () => {
    expect((await failure(connect({ management: { url: 'nonsense' } }))).message).to.contain('management');
    expect(open.callCount).to.equal(0);
  });

  describe('knows the management API', () => {
    it('where it belongs to the broker: at a usual port, or where that listens', async () => {
      expect(await (await at(5672)).management()).to.be.instanceOf(ManagementReader);
      expect(await (await at(5671)).management()).to.be.instanceOf(ManagementReader);
      expect(await (await at(5673)).management()).to.be.instanceOf(ManagementReader);
      expect(await (await at(5674)).management()).to.equal(undefined);
      expect(asked).to.deep.equal(Array.from({ length: 4 }, () => '/api/overview'));
    });

    it('by one question, and asks again half a minute behind a silence', async () => {
      answer = () => Promise.reject(new Error('nobody listens'));
      const session = await at(5672);
      expect([await session.management(), await session.management()]).to.deep.equal([undefined, undefined]);
      expect(asked).to.have.lengthOf(1);
      answer = async () => ({});
      await clock.advance(29_999);
      expect(await session.management()).to.equal(undefined);
      await clock.advance(1);
      expect(await session.management()).to.be.instanceOf(ManagementReader);
      expect(clock.waits).to.deep.equal([]);
    });

    it('that somebody has named: its silence is an error, and it is asked again by whoever comes next', async () => {
      answer = () => Promise.reject(new Error('away'));
      const session = await connect({ management: { url: 'http://127.0.0.1:15673' } });
      expect((await failure(session.management())).message).to.equal('away');
      answer = async () => ({});
      expect(await session.management()).to.be.instanceOf(ManagementReader);
      expect(asked).to.have.lengthOf(2);
    });

    it('not where it is switched off, and says what needs it', async () => {
      const session = await connect({ management: false });
      expect(await session.management()).to.equal(undefined);
      const error = await failure(session.needManagement('Finding queues', 'Name them.'));
      expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
      expect(error.message).to.equal('Finding queues needs the management HTTP API, which does not answer. Name them.');
      const silent = await at(5674);
      expect((await failure(silent.needManagement('It', 'Else.'))).message).to.contain('does not answer at http://');
      expect(await (await at(5672)).needManagement('It', '')).to.be.instanceOf(ManagementReader);
    });
  });

  describe('works exclusively', () => {
    const LOCK = 'leveret.lock.move.orders';

    it('behind a queue of this connection alone, which goes whatever comes of the work', async () => {
      const session = await at(5672);
      expect(await session.exclusively('move', 'orders', async () => 5)).to.equal(5);
      const fault = new Error('failed');
      expect(await failure(session.exclusively('move', 'orders', () => Promise.reject(fault)))).to.equal(fault);
      const once = [`declare ${LOCK} {"durable":false,"exclusive":true}`, `delete ${LOCK}`];
      expect(log).to.deep.equal([...once, ...once]);
    });

    it('one behind the other in this process, for each queue and each act', async () => {
      const session = await at(5672);
      let end = () => {};
      const first = session.exclusively('move', 'orders', () => new Promise<void>((resolve) => (end = resolve)));
      let isSecondDone = false;
      const second = session.exclusively('move', 'orders', async () => {
        isSecondDone = true;
      });
      expect(await session.exclusively('look', 'orders', async () => 'look')).to.equal('look');
      expect(await session.exclusively('move', 'other', async () => 'other')).to.equal('other');
      await clock.advance(500);
      expect(isSecondDone).to.equal(false);
      end();
      await first;
      await clock.through(second);
      expect(isSecondDone).to.equal(true);
    });

    it('waits ten seconds for another process, and looks ten times a second', async () => {
      declare = () => Promise.reject(LOCKED());
      const session = await at(5672);
      const error = await failure(session.exclusively('look', 'orders', async () => expect.fail('not alone')));
      expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
      expect(error.message).to.contain('Another operation is at work on queue "orders"');
      expect([clock.ms, log.length]).to.deep.equal([10_000, 101]);
      declare = async () => undefined;
      expect(await session.exclusively('look', 'orders', async () => 'later')).to.equal('later');
    });

    it('looks without a lock where the user may not make one, and moves nothing then', async () => {
      declare = () => Promise.reject(FORBIDDEN());
      const session = await at(5672);
      expect(await session.exclusively('look', 'orders', async () => 'seen')).to.equal('seen');
      expect((await failure(session.exclusively('move', 'orders', async () => 'moved'))).message).to.contain('403');
      declare = async () => undefined;
      expect(await session.exclusively('move', 'orders', async () => 'moved'), 'nothing is locked').to.equal('moved');
    });
  });

  describe('knows the type of a queue', () => {
    it('of the management API, asked once for each', async () => {
      answer = async (path) => (path.startsWith('/api/queues') ? { type: 'quorum' } : {});
      const session = await at(5672);
      expect([await session.queueType('a b'), await session.queueType('a b')]).to.deep.equal(['quorum', 'quorum']);
      expect(asked).to.deep.equal(['/api/overview', '/api/queues/shop/a%20b']);
    });

    it('of the broker itself, where the API does not say', async () => {
      answer = async (path) => (path.startsWith('/api/queues') ? Promise.reject(new Error('404')) : {});
      const session = await at(5672);
      expect(await session.queueType('unknown')).to.equal(undefined);
      learned = { arguments: {} };
      expect(await session.queueType('classic')).to.equal('classic');
      learned = { arguments: { 'x-queue-type': 'stream' } };
      expect(await session.queueType('stream')).to.equal('stream');
    });
  });
});
