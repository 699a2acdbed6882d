import { systemClock } from '@leveret/core';
import sinon from 'sinon';

/** Lets what waits by the clock of the process go on at once, and without its chance, while `act` runs. Answers the waits. */
export async function waitsOf(act: () => Promise<unknown>): Promise<readonly number[]> {
  const waits: number[] = [];
  const after = sinon.stub(systemClock, 'after').callsFake((ms, callback) => {
    waits.push(ms);
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  });
  const random = sinon.stub(Math, 'random').returns(0);
  try {
    await act();
    return waits;
  } finally {
    after.restore();
    random.restore();
  }
}
