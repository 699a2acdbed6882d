import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { ABroker } from '../test-support/a-broker.js';
import { aMessage } from '../test-support/a-message.js';
import { HandClock } from '../test-support/hand-clock.js';
import { type RetryOptions, resume, retry } from './retry.js';

describe('retry, before it touches anything,', () => {
  let clock: HandClock;
  let broker: ABroker;
  beforeEach(() => {
    clock = new HandClock();
    broker = new ABroker(clock);
    const headers = { 'x-leveret-queue': 'orders', 'x-leveret-fingerprint': 'f' };
    broker.ready = ['m1', 'm2'].map((messageId) => aMessage({ messageId, headers }));
    broker.others.add('orders');
  });
  const retrying = (options: Partial<RetryOptions> = {}) =>
    clock.through(retry(broker.session, { queues: ['q'], selection: 'all', ...options }));
  const refusal = async (options: Partial<RetryOptions>) =>
    (await retrying(options).catch((error: unknown) => error)) as Error & { code?: string };
  const untouched = () => expect([broker.ids, broker.published]).to.deep.equal([['m1', 'm2'], []]);

  it('says where each would go, and does nothing, where that is all that is asked for', async () => {
    const planned: number[] = [];
    const report = await retrying({ dryRun: true, onPlanned: (each) => planned.push(each.length) });
    expect(report).to.deep.include({ sent: 0, left: 2, resumed: 0, stopped: undefined, failure: undefined });
    expect(report.planned.map(({ target }) => target.routingKey)).to.deep.equal(['orders', 'orders']);
    expect(planned).to.deep.equal([2]);
    untouched();
  });

  it('has nothing to do where nothing is chosen', async () => {
    broker.ready = [];
    expect(await retrying()).to.deep.include({ planned: [], sent: 0, left: 0, canary: undefined });
  });

  it('refuses a selection that names nothing, and a target that is not there', async () => {
    expect(await refusal({ selection: ['m9'] })).to.include({ code: 'LEV_NOTHING_FOUND' });
    broker.others.clear();
    const error = await refusal({});
    expect(error).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect(error.message).to.match(/^Nothing was touched: .*queue "orders"/);
    untouched();
  });

  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`refuses a rate of ${rate}`, async () => {
      expect((await refusal({ rate })).message).to.contain(
        `rate must be a number of messages a second above 0; got ${rate}`,
      );
      untouched();
    });
  }

  it('finds nothing to go on with where nothing is staged', async () => {
    expect(await clock.through(resume(broker.session, ['q', 'q']))).to.equal(0);
    untouched();
  });
});
