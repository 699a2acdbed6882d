import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Broker } from './broker.js';

describe('Broker', () => {
  it('waits when it is disposed of, too', async () => {
    const broker = await Broker.start();
    const close = broker.close.bind(broker);
    let closed = false;
    broker.close = async () => {
      await close();
      await new Promise((resolve) => setImmediate(resolve));
      closed = true;
    };
    await broker[Symbol.asyncDispose]();
    expect(closed).to.equal(true);
    expect(close(), 'once').to.equal(close());
  });
});
