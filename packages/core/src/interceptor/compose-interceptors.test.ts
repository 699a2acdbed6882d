import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { LeveretError } from '../errors/leveret-error.js';
import { composeInterceptors } from './compose-interceptors.js';
import type { InterceptorFunction, Next } from './interceptor.js';

const context = { listenerId: 'orders' } as DeliveryContext;

/** Runs a handler through interceptors; answers what came of it. */
async function run(interceptors: InterceptorFunction[], handler: (context: DeliveryContext) => unknown) {
  try {
    return { value: await composeInterceptors(interceptors, handler)(context) };
  } catch (error) {
    return { error };
  }
}

describe('composeInterceptors', () => {
  it('is the handler itself when there are none', () => {
    const handler = () => 'done';
    expect(composeInterceptors([], handler)).to.equal(handler);
  });

  it('puts the first one outermost', async () => {
    const seen: string[] = [];
    const around =
      (name: string): InterceptorFunction =>
      async (_context, next) => {
        seen.push(`${name} before`);
        const value = await next();
        seen.push(`${name} after`);
        return `${name}(${value})`;
      };
    const result = await run([around('global'), around('class'), around('method')], () => {
      seen.push('handler');
      return 'value';
    });
    expect(result).to.deep.equal({ value: 'global(class(method(value)))' });
    expect(seen).to.deep.equal([
      'global before',
      'class before',
      'method before',
      'handler',
      'method after',
      'class after',
      'global after',
    ]);
  });

  it('hands the context of the attempt to all', async () => {
    const seen: unknown[] = [];
    await run(
      [
        (given, next) => {
          seen.push(given);
          return next();
        },
      ],
      (given) => seen.push(given),
    );
    expect(seen).to.deep.equal([context, context]);
  });

  it('lets an interceptor answer in place of the handler', async () => {
    let called = false;
    const result = await run([() => 'cached'], () => {
      called = true;
    });
    expect([result, called]).to.deep.equal([{ value: 'cached' }, false]);
  });

  it('fails with what an interceptor throws, at once or later', async () => {
    const fault = new Error('not allowed');
    const sync: InterceptorFunction = () => {
      throw fault;
    };
    expect(await run([sync], () => 'done')).to.deep.equal({ error: fault });
    expect(await run([() => Promise.reject(fault)], () => 'done')).to.deep.equal({ error: fault });
  });

  it('hands what the handler throws, at once or later, to the interceptor that waits for it', async () => {
    const fault = new Error('broken');
    const rescue: InterceptorFunction = async (_context, next) => {
      try {
        return await next();
      } catch (error) {
        return `rescued ${(error as Error).message}`;
      }
    };
    const sync = () => {
      throw fault;
    };
    expect(await run([rescue], sync)).to.deep.equal({ value: 'rescued broken' });
    expect(await run([rescue], () => Promise.reject(fault))).to.deep.equal({ value: 'rescued broken' });
    expect(await run([(_context, next) => next()], sync)).to.deep.equal({ error: fault });
    expect(await run([(_context, next) => next().catch(() => 'caught')], sync)).to.deep.equal({ value: 'caught' });
  });

  it('refuses a second next(), in the same attempt only', async () => {
    let calls = 0;
    const twice: InterceptorFunction = async (_context, next) => {
      await next();
      return next();
    };
    const composed = composeInterceptors([twice], () => {
      calls++;
    });
    const error = await Promise.resolve(composed(context)).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(LeveretError).with.property('code', 'LEV_NEXT_CALLED_TWICE');
    expect((error as Error).message).to.contain('listener orders');
    expect(calls).to.equal(1);
    const once = composeInterceptors([(_context, next) => next()], () => ++calls);
    expect(await once(context)).to.equal(2);
    expect(await once(context)).to.equal(3);
  });

  describe('when an interceptor forgets to wait for next()', () => {
    const forgets: InterceptorFunction = (_context, next) => {
      void next();
      return 'too early';
    };

    it('does not end the attempt before the handler has', async () => {
      let finish = () => {};
      let ended = false;
      const handler = () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        });
      const result = run([forgets], handler).then((outcome) => {
        ended = true;
        return outcome;
      });
      await turn();
      expect(ended).to.equal(false);
      finish();
      expect(await result).to.deep.equal({ value: 'too early' });
    });

    it('fails when the handler fails: at once, soon, or late', async () => {
      const fault = new Error('broken');
      const failing = {
        atOnce: () => {
          throw fault;
        },
        soon: () => Promise.reject(fault),
        late: async () => {
          await turn();
          throw fault;
        },
      };
      const slowly: InterceptorFunction = async (_context, next: Next) => {
        void next();
        await turn();
        await turn();
        return 'too early';
      };
      for (const handler of Object.values(failing)) {
        expect(await run([forgets], handler)).to.deep.equal({ error: fault });
        expect(await run([slowly], handler)).to.deep.equal({ error: fault });
        expect(await run([forgets, forgets], handler)).to.deep.equal({ error: fault });
      }
    });
  });

  it('lasts until the handler has ended, although the interceptor no longer waits for it', async () => {
    const impatient: InterceptorFunction = (_context, next) => Promise.race([next(), turn().then(() => 'fallback')]);
    const ended = { handler: false };
    const result = await run([impatient], async () => {
      for (let i = 0; i < 5; i++) await turn();
      ended.handler = true;
    });
    expect([result, ended.handler]).to.deep.equal([{ value: 'fallback' }, true]);
  });

  it('lets an interceptor with a time limit of its own end the attempt by throwing', async () => {
    const limited: InterceptorFunction = async (_context, next) => {
      await Promise.race([next(), turn().then(() => Promise.reject(new Error('limit')))]);
    };
    const { error } = await run([limited], () => new Promise(() => {}));
    expect((error as Error).message).to.equal('limit');
  });

  it('tells when what next() started has begun, and has ended behind the result', async () => {
    const told: string[] = [];
    const parts = { began: () => told.push('began'), ended: () => told.push('ended') };
    let end: () => void = () => {};
    const handler = () =>
      new Promise<void>((resolve) => {
        told.push('handler');
        end = resolve;
      });
    const limited: InterceptorFunction = (_context, next) => {
      void next();
      throw new Error('limit');
    };
    await Promise.resolve(composeInterceptors([limited], handler)(context, parts)).catch(() => told.push('result'));
    expect(told).to.deep.equal(['began', 'handler', 'result']);
    end();
    await turn();
    expect(told).to.deep.equal(['began', 'handler', 'result', 'ended']);
  });

  it('leaves no rejection unhandled when an interceptor throws while the handler fails', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const throws: InterceptorFunction = (_context, next) => {
      void next();
      throw new Error('interceptor');
    };
    const { error } = await run([throws], async () => {
      await turn();
      throw new Error('handler');
    });
    await turn();
    await turn();
    process.off('unhandledRejection', note);
    expect((error as Error).message).to.equal('interceptor');
    expect(unhandled).to.deep.equal([]);
  });
});
