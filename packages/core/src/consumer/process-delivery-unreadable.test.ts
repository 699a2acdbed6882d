import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { republish } from '../recoverer/republish-recoverer.js';
import { turn } from '../time/fake-clock.support.test.js';
import { ACK, finish, Journey, start, travel } from './journey.support.test.js';

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
