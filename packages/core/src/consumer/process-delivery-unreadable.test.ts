import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { FailedDelivery } from '../recoverer/recoverer.js';
import { republish } from '../recoverer/republish-recoverer.js';
import { aDelivery } from '../transport/delivery.support.test.js';
import { ACK, finish, Journey, REQUEUE, start, travel } from './journey.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

/** An error one of whose properties throws when it is read. */
function withGetter(name: string, thrown: unknown = new Error('not to be read')): Error {
  return Object.defineProperty(new Error('card declined'), name, {
    get: () => {
      throw thrown;
    },
  });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const hostile: Readonly<Record<string, () => unknown>> = {
  'an error whose cause cannot be read': () => withGetter('cause'),
  'an error whose code cannot be read, with the mark of leveret': () =>
    Object.assign(withGetter('code'), { [Symbol.for('leveret.error')]: true }),
  'an error whose name cannot be read': () => withGetter('name'),
  'an error whose stack cannot be read': () => withGetter('stack'),
  'an error whose message cannot be read': () => withGetter('message'),
  'an error whose message throws what cannot be read': () => withGetter('message', revoked()),
  'a cause that cannot be read': () => new Error('card declined', { cause: revoked() }),
  'a proxy that is revoked': revoked,
  'an object without a prototype': () => Object.create(null),
  'an object whose class has no name': () => new (class {})(),
  'a frozen error': () => Object.freeze(new Error('card declined')),
  undefined: () => undefined,
  null: () => null,
  'a symbol': () => Symbol('card declined'),
};

describe('the journey of a delivery whose handler throws', () => {
  for (const [what, make] of Object.entries(hostile)) {
    it(`${what}: is tried again, and parked in the end`, async () => {
      const recoverer = republish('error.direct', 'error');
      const journey = new Journey({
        handle: () => {
          throw make();
        },
        retry: { maxAttempts: 2 },
        recover: (failure) => recoverer.recover(failure),
      });
      await finish(journey, journey.next());
      expect(journey.counted).to.include({ failed: 2, recovered: 1 }).and.not.to.have.property('recovererFailed');
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.publisher.sent[0]?.headers).to.include({ 'x-leveret-reason': 'exhausted' });
    });
  }

  it('an error of another realm: is parked with its name, its text and its stack', async () => {
    const recoverer = republish('error.direct', 'error', { includeStackTrace: true });
    const { publisher } = await travel({
      handle: () => {
        throw runInNewContext('new RangeError("card declined")');
      },
      retry: { maxAttempts: 1 },
      recover: (failure) => recoverer.recover(failure),
    });
    const headers = publisher.sent[0]?.headers;
    expect(headers).to.include({ 'x-leveret-error-name': 'RangeError', 'x-exception-message': 'card declined' });
    expect(headers?.['x-exception-stacktrace']).to.contain('RangeError: card declined');
  });

  it('from its recoverer what cannot be read: is requeued, and the next delivery is taken', async () => {
    const journey = new Journey({
      handle: () => {
        throw new Error('card declined');
      },
      retry: { maxAttempts: 1 },
      recover: () => {
        throw revoked();
      },
    });
    await finish(journey, journey.next());
    expect(journey.counted).to.include({ recovererFailed: 1, requeued: 1 });
  });
});

describe('the journey of a delivery that leveret itself cannot handle', () => {
  it('is requeued after a pause, and the fault is told', async () => {
    const journey = new Journey();
    const bug = new Error('not foreseen');
    const delivery = Object.defineProperty(aDelivery({ channel: journey.channel }), 'waited', {
      get: () => {
        throw bug;
      },
    });
    const state = start(new DeliveryProcess(delivery, journey.env));
    await turn();
    expect([state.ended, journey.frames]).to.deep.equal([false, []]);
    await journey.clock.advance(1200);
    expect([state.ended, journey.frames]).to.deep.equal([true, [REQUEUE]]);
    expect((journey.event('undecided').error as Error).cause).to.equal(bug);
    expect(journey.counted).to.deep.equal({ received: 1, undecided: 1, requeued: 1 });
  });
});

describe('a message that takes its time to be read', () => {
  it('is read once, however often it is tried', async () => {
    let reads = 0;
    const { counted } = await travel({
      retry: { maxAttempts: 3 },
      route: {
        convert: async () => {
          reads++;
          return 'payload';
        },
      },
      handle: () => {
        throw new Error('broken');
      },
    });
    expect([reads, counted.failed]).to.deep.equal([1, 3]);
  });
});

describe('what a recoverer is told', () => {
  it('of a message that cannot be read: it failed now, and no handler was called', async () => {
    const told: FailedDelivery[] = [];
    await travel({
      policy: { invalid: 'recover' },
      route: {
        convert: () => {
          throw new Error('not JSON');
        },
      },
      recover: (failure) => void told.push(failure),
    });
    expect(told).to.have.lengthOf(1);
    expect(told[0]).to.include({ reason: 'invalid', attempts: 0, firstFailedAt: told[0]?.lastFailedAt });
  });

  it('of one whose attempts failed: when the first and the last of them did', async () => {
    const told: FailedDelivery[] = [];
    const journey = await travel({
      retry: { maxAttempts: 2 },
      handle: () => {
        throw new Error('broken');
      },
      recover: (failure) => void told.push(failure),
    });
    expect(told[0]).to.include({ reason: 'exhausted', attempts: 2 });
    expect((told[0]?.lastFailedAt ?? 0) - (told[0]?.firstFailedAt ?? 0)).to.equal(1000);
    expect(told[0]?.lastFailedAt).to.be.at.most(journey.clock.now());
  });
});

describe('a recoverer that fails again and again', () => {
  afterEach(() => sinon.restore());

  it('holds each delivery longer before it is requeued, for half a minute at most', async () => {
    sinon.stub(Math, 'random').returns(0);
    const journey = new Journey({
      retry: { maxAttempts: 1 },
      handle: () => {
        throw new Error('broken');
      },
      recover: () => {
        throw new Error('error queue is full');
      },
    });
    const waits: number[] = [];
    for (let times = 0; times < 7; times++) {
      const state = start(journey.next());
      await turn();
      waits.push(journey.clock.waits[0] ?? 0);
      await journey.clock.advance((waits[times] ?? 0) - 1);
      expect([state.ended, journey.frames.length], 'it is held').to.deep.equal([false, times]);
      await journey.clock.advance(1);
      expect(state.ended).to.equal(true);
    }
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });
});

describe('the journey of a delivery whose handler returns a thenable that can be called', () => {
  it('is acknowledged no sooner than it has resolved', async () => {
    let resolve: () => void = () => {};
    // biome-ignore lint/suspicious/noThenProperty: query builders look like this
    const builder = Object.assign(() => builder, { then: (done: () => void) => (resolve = done) });
    const journey = new Journey({ handle: () => builder });
    const state = start(journey.next());
    await journey.clock.advance(1000);
    expect(journey.frames).to.deep.equal([]);
    resolve();
    await turn();
    expect(state.ended).to.equal(true);
    expect(journey.frames).to.deep.equal([ACK]);
  });
});
