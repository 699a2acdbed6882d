import { expect } from 'chai';
import { describe, it } from 'mocha';
import { handler } from '../functions/handler.js';
import { listener } from '../functions/listener.js';
import { faultsOf } from '../test-support/faults-of.js';

class Created2 {
  id!: number;
}

describe('names that last, of functions', () => {
  it('are never those of functions where something is kept', async () => {
    const onPaid = listener({ queue: {} as never, payload: Object, idempotent: true }, function onPaid() {});
    const faults = await faultsOf({ listeners: [onPaid] });
    expect(faults.filter((fault) => fault.includes('is the name of its function'))).to.deep.equal([
      `listener onPaid: the id "onPaid" is the name of its function, which a build may change. With another id it does not know which messages were handled, and they are handled again. Give it one: { id: 'on-paid' }`,
    ]);
  });

  it('are the queue or the id otherwise, and types are said as functions say them', async () => {
    const handlers = [handler({ payload: Created2 }, () => {})];
    const faults = await faultsOf({ listeners: [listener({ queue: 'orders', handlers, idempotent: true })] });
    expect(faults).to.have.length(1);
    expect(faults[0]).to.match(
      /^listener orders, handlers\[0\]: its type "Created2".*: handler\({ payload: Created, type: 'Created' }, \.\.\.\)$/,
    );
  });
});
