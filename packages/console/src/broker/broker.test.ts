import { LeveretError, silentLogger } from '@leveret/core';
import { OperationsSession } from '@leveret/operations';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { BrokerLink } from './broker-link.js';
import { ErrorQueueList } from './error-queue-list.js';
import { Looks } from './looks.js';

const AWAY = () => new LeveretError('LEV_CONNECTION_FAILED', 'the broker is away');

describe('BrokerLink', () => {
  let connect: sinon.SinonStub;
  let opened: { broker: { isOpen: boolean; onEnd(listener: () => void): void }; close: sinon.SinonSpy }[];
  let ends: (() => void)[];
  let lines: string[];
  let link: BrokerLink;

  beforeEach(() => {
    [opened, ends, lines] = [[], [], []];
    connect = sinon.stub(OperationsSession, 'connect').callsFake(async () => {
      const session = {
        broker: { isOpen: true, onEnd: (listener: () => void) => void ends.push(listener) },
        close: sinon.spy(async () => {
          session.broker.isOpen = false;
        }),
      };
      opened.push(session);
      return session as never;
    });
    const logger = { ...silentLogger, warn: (_: object, text: string) => void lines.push(text) };
    link = new BrokerLink({ management: false }, new FakeClock(), logger);
  });
  afterEach(() => sinon.restore());

  it('opens one connection for all who ask, and by its own clock', async () => {
    const [one, other] = await Promise.all([link.session(), link.session()]);
    expect([one === other, await link.session()]).to.deep.equal([true, one]);
    expect(connect.callCount).to.equal(1);
    expect(connect.firstCall.args[0]).to.have.property('clock').that.is.instanceOf(FakeClock);
    expect(connect.firstCall.args[0]).to.include({ management: false });
  });

  it('opens another when that is lost, and says so', async () => {
    const first = await link.session();
    if (opened[0] !== undefined) opened[0].broker.isOpen = false;
    ends[0]?.();
    expect(lines).to.deep.equal(['the console has lost its connection; it opens another when it is needed']);
    expect(await link.session()).to.not.equal(first);
    expect(connect.callCount).to.equal(2);
  });

  it('tries again when it could not be opened', async () => {
    connect.onFirstCall().rejects(AWAY());
    expect(await link.session().catch((error: unknown) => error)).to.include({ code: 'LEV_CONNECTION_FAILED' });
    await link.session();
    expect(connect.callCount).to.equal(2);
  });

  it('closes it, without a word about its end', async () => {
    await link.session();
    await link.close();
    ends[0]?.();
    expect([opened[0]?.close.callCount, lines]).to.deep.equal([1, []]);
  });

  it('keeps none that is opened while it closes, and closes where none was opened', async () => {
    await link.close();
    expect(connect.callCount).to.equal(0);
    const late = link.session().catch((error: unknown) => error as Error);
    expect(((await late) as Error).message).to.equal('The console is closed.');
    expect(opened[0]?.close.callCount).to.equal(1);
    connect.rejects(AWAY());
    const other = new BrokerLink({}, new FakeClock(), silentLogger);
    const opening = other.session().catch(() => 'refused');
    await other.close();
    expect(await opening).to.equal('refused');
  });
});

describe('ErrorQueueList', () => {
  let clock: FakeClock;
  let states: Map<string, { messages: number; consumers: number }>;
  let asked: string[];
  let reader: object | undefined;

  beforeEach(() => {
    clock = new FakeClock();
    asked = [];
    states = new Map([
      ['a', { messages: 3, consumers: 1 }],
      ['b', { messages: 0, consumers: 0 }],
    ]);
    reader = undefined;
  });
  const listOf = (...named: string[]) => {
    const session = {
      management: async () => reader,
      queueType: async (name: string) => (name === 'a' ? 'quorum' : undefined),
      broker: {
        queue: async (name: string) => {
          asked.push(name);
          return states.get(name);
        },
      },
    };
    return new ErrorQueueList({ session: async () => session } as never, clock, named);
  };

  it('shows those that were named, each once, where they are there', async () => {
    const list = listOf('b', 'a', 'a', 'gone');
    expect(await list.names()).to.deep.equal(['b', 'a']);
    expect(await list.counts()).to.deep.equal([
      { name: 'b', type: 'unknown', messages: 0, consumers: 0, because: 'it was named', staged: 0 },
      { name: 'a', type: 'quorum', messages: 3, consumers: 1, because: 'it was named', staged: 0 },
    ]);
  });

  it('asks for names again after ten seconds, and at once when it could not ask', async () => {
    const list = listOf('a');
    await list.names();
    await list.names();
    expect(asked).to.deep.equal(['a']);
    clock.pass(10_000);
    await list.names();
    expect(asked).to.deep.equal(['a']);
    clock.pass(1);
    await list.names();
    expect(asked).to.deep.equal(['a', 'a']);
    const failing = listOf('a');
    const { get } = states;
    states.get = () => {
      throw AWAY();
    };
    await failing.names().catch(() => {});
    states.get = get;
    expect(await failing.names()).to.deep.equal(['a']);
  });

  it('shows a queue as it was while its messages are in hand of a look, of whichever of several ends last', async () => {
    const list = listOf('a');
    await list.counts();
    const messages = async () => (await list.counts())[0]?.messages;
    let [end, endOther] = [() => {}, () => {}];
    const looks = [
      list.whileInHand(['a'], () => new Promise<void>((resolve) => (end = resolve))),
      list.whileInHand(['a'], () => new Promise<void>((resolve) => (endOther = resolve))),
    ];
    states.set('a', { messages: 0, consumers: 0 });
    expect(await messages()).to.equal(3);
    end();
    await looks[0];
    expect(await messages()).to.equal(3);
    endOther();
    await looks[1];
    expect(await messages()).to.equal(0);
    await list.whileInHand(['a'], () => Promise.reject(AWAY())).catch(() => {});
    states.set('a', { messages: 5, consumers: 0 });
    expect(await messages()).to.equal(5);
  });

  it('knows what is on its way back: as it was heard, or of the queues that the API shows', async () => {
    const list = listOf('a', 'b');
    list.heardOfStaged('a', 4);
    expect((await list.counts()).map(({ staged }) => staged)).to.deep.equal([4, 0]);
    states.set('leveret.retrying.b', { messages: 7, consumers: 0 });
    reader = { queues: async () => [{ name: 'leveret.retrying.b' }] };
    expect((await list.counts()).map(({ staged }) => staged)).to.deep.equal([0, 7]);
    expect(asked).to.not.include('leveret.retrying.a');
    expect(await list.lookForStaged()).to.deep.equal(new Map([['b', 7]]));
    expect(await list.lookForStaged(['a'])).to.deep.equal(new Map([['b', 7]]));
  });
});

describe('Looks', () => {
  const SHARE_MS = 5_000;
  let clock: FakeClock;
  let looked: string[];
  let answer: () => Promise<never>;
  let looks: Looks;

  beforeEach(() => {
    clock = new FakeClock();
    looked = [];
    answer = () => Promise.reject(AWAY());
    const list = { whileInHand: <T>(_queues: string[], work: () => Promise<T>) => work(), heardOfStaged: () => {} };
    const session = {
      exclusively: (_to: string, queue: string) => {
        looked.push(queue);
        return answer();
      },
    };
    looks = new Looks({ session: async () => session } as never, list as never, clock, SHARE_MS, undefined);
  });

  it('looks at each queue once, and says what it could not look at', async () => {
    const seen = await looks.at(['a', 'b', 'a']);
    expect(looked).to.have.members(['a', 'b']);
    expect(seen[0]).to.deep.equal({
      ...{ queue: 'a', lookedAt: clock.now(), looked: undefined, messages: [] },
      fault: { code: 'LEV_CONNECTION_FAILED', message: 'the broker is away' },
    });
  });

  it('shares what it has seen for a while, and longer with nobody', async () => {
    await looks.at(['a']);
    await clock.advance(SHARE_MS - 1);
    await looks.at(['a']);
    expect(looked).to.have.lengthOf(1);
    await clock.advance(1);
    await looks.at(['a']);
    expect(looked).to.have.lengthOf(2);
    await clock.advance(SHARE_MS);
    expect(clock.waits).to.deep.equal([]);
  });

  it('looks anew for who wants that, or when it was forgotten, but not twice at the same time', async () => {
    await looks.at(['a']);
    await looks.at(['a'], true);
    expect(looked).to.have.lengthOf(2);
    looks.forget(['a']);
    await looks.at(['a']);
    expect(looked).to.have.lengthOf(3);
    let fail = (_error: Error) => {};
    answer = () =>
      new Promise((_resolve, reject) => {
        fail = reject;
      });
    const going = [looks.at(['a'], true), looks.at(['a'], true), looks.at(['a'])];
    await turn();
    expect(looked).to.have.lengthOf(4);
    fail(AWAY());
    const [one, other] = await Promise.all(going);
    expect(one?.[0]).to.equal(other?.[0]);
  });

  it('keeps what was seen later, when the time of what was seen before is over', async () => {
    await looks.at(['a']);
    await clock.advance(3_000);
    await looks.at(['a'], true);
    await clock.advance(2_500);
    await looks.at(['a']);
    expect(looked).to.have.lengthOf(2);
  });
});
