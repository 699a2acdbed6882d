import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { HarnessError } from '../errors/harness-error.js';
import { TestHarness } from '../harness/test-harness.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const FAKES = ['nextTick', 'queueMicrotask'] as const;

describe('when timers are faked', () => {
  let clock: sinon.SinonFakeTimers | undefined;
  const restore = () => {
    clock?.restore();
    clock = undefined;
  };
  afterEach(restore);

  for (const name of FAKES) {
    it(`a start without ${name} says so at once`, async () => {
      clock = sinon.useFakeTimers({ toFake: [name] });
      const error = await rejectionOf(TestHarness.start());
      expect(error).to.be.instanceOf(HarnessError);
      expect((error as Error).message).to.contain(`${name}: not called back, because faked`);
    });
  }

  it('whatever is asked of a harness then says so, and it goes on when they are real again', async () => {
    const harness = await TestHarness.start();
    clock = sinon.useFakeTimers({ toFake: [...FAKES, 'setTimeout', 'setImmediate', 'performance'] });
    for (const asked of [
      () => harness.settled(),
      () => harness.advance('1s'),
      () => harness.publish('', 'nowhere', 1),
      () => harness.close(),
    ]) {
      const error = await rejectionOf(asked());
      expect(error).to.be.instanceOf(HarnessError);
      expect((error as Error).message).to.match(/^process\.nextTick and queueMicrotask: not called back/);
    }
    restore();
    await harness.settled();
    await harness.close();
  });

  it('what sinon fakes besides makes no difference', async () => {
    clock = sinon.useFakeTimers({ toNotFake: [...FAKES] });
    const harness = await TestHarness.start();
    await harness.settled();
    await harness.close();
  });
});
