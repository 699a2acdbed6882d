import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AttemptScopes } from './attempt-scopes.js';
import { sampleContext } from './sample-context.js';

function setUp(open?: (nth: number) => unknown) {
  const steps: string[] = [];
  let opened = 0;
  const scopes = new AttemptScopes(
    () => {
      const nth = ++opened;
      steps.push(`open ${nth}`);
      if (open !== undefined) return open(nth);
      return { resolve: (token: string) => `${token} of ${nth}`, dispose: () => void steps.push(`dispose ${nth}`) };
    },
    (error) => steps.push(`failed: ${(error as Error).message}`),
  );
  return { steps, scopes };
}

describe('AttemptScopes', () => {
  it('opens one scope for each attempt, when the first class is asked for, and disposes it at the end', async () => {
    const { steps, scopes } = setUp();
    const [one, two] = [sampleContext(), sampleContext()];
    expect(['a', 'b'].map((token) => scopes.resolve(token, one))).to.deep.equal(['a of 1', 'b of 1']);
    expect(scopes.resolve('a', two)).to.equal('a of 2');
    scopes.ended(one);
    scopes.ended(one);
    scopes.ended(sampleContext());
    await scopes.allDisposed();
    expect(steps).to.deep.equal(['open 1', 'open 2', 'dispose 1']);
    expect(scopes.resolve('a', one)).to.equal('a of 3');
  });

  it('waits for a scope that takes time, which is disposed once it is open', async () => {
    let ready: (scope: unknown) => void = () => undefined;
    const { steps, scopes } = setUp(() => new Promise((resolve) => (ready = resolve)));
    const context = sampleContext();
    const both = ['a', 'b'].map((token) => scopes.resolve(token, context));
    scopes.ended(context);
    let disposed = false;
    const all = scopes.allDisposed().then(() => (disposed = true));
    await new Promise(setImmediate);
    expect(disposed).to.equal(false);
    ready({ resolve: (token: string) => `late ${token}`, dispose: () => void steps.push('disposed') });
    expect(await Promise.all(both)).to.deep.equal(['late a', 'late b']);
    await all;
    expect(steps).to.deep.equal(['open 1', 'disposed']);
  });

  it('tells of a scope that would not be disposed, and bears one that has nothing to dispose', async () => {
    for (const [dispose, told] of [
      [async () => Promise.reject(new Error('busy')), ['open 1', 'failed: busy']],
      [undefined, ['open 1']],
    ] as const) {
      const { steps, scopes } = setUp(() => ({ resolve: () => 1, ...(dispose && { dispose }) }));
      const context = sampleContext();
      scopes.resolve('a', context);
      scopes.ended(context);
      await scopes.allDisposed();
      expect(steps).to.deep.equal(told);
      await scopes.allDisposed();
    }
  });

  it('refuses what is no scope, at once or later', async () => {
    const sync = setUp(() => 7);
    expect(() => sync.scopes.resolve('a', sampleContext())).to.throw(
      'createScope() of the container answered 7, which has no resolve(token)',
    );
    const later = setUp(async () => undefined);
    const context = sampleContext();
    const refused = await (later.scopes.resolve('a', context) as Promise<unknown>).catch((error: unknown) => error);
    expect(String(refused)).to.match(/answered undefined, which has no resolve/);
    later.scopes.ended(context);
    await later.scopes.allDisposed();
    expect(later.steps).to.deep.equal(['open 1']);
  });
});
