import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import type { QueueDeclaration } from '../topology/topology.js';
import { type OrderWishes, resolveOrder } from './order.js';

const SINGLE = { arguments: { 'x-single-active-consumer': true } } as unknown as QueueDeclaration;
const ANY = { arguments: {} } as QueueDeclaration;

function order(wishes: Partial<OrderWishes>, queue: QueueDeclaration | undefined, concurrency = 1) {
  const list: string[] = [];
  const resolved = resolveOrder(
    { ordered: undefined, prefetch: undefined, ...wishes },
    concurrency,
    queue,
    new Problems('', list),
  );
  return { ...resolved, problems: list };
}

describe('resolveOrder', () => {
  it('fetches 50 in advance where no order is asked for', () => {
    for (const queue of [ANY, undefined]) {
      expect(order({}, queue)).to.deep.equal({ ordered: false, prefetch: 50, problems: [] });
    }
  });

  it('keeps the order of a queue with a single active consumer, one at a time, unless something else is said', () => {
    expect(order({}, SINGLE)).to.deep.equal({ ordered: true, prefetch: 1, problems: [] });
    expect(order({ prefetch: 20 }, SINGLE)).to.deep.equal({ ordered: true, prefetch: 20, problems: [] });
    expect(order({ ordered: false }, SINGLE)).to.deep.equal({ ordered: false, prefetch: 50, problems: [] });
    expect(order({}, SINGLE, 3)).to.deep.equal({ ordered: true, prefetch: 1, problems: [] });
  });

  it('keeps the order of any queue when asked to, which several consumers side by side cannot', () => {
    expect(order({ ordered: true }, ANY)).to.deep.equal({ ordered: true, prefetch: 1, problems: [] });
    expect(order({ ordered: true }, ANY, 3).problems.join()).to.match(/^ordered needs concurrency: 1/);
    expect(order({ ordered: true }, SINGLE, 3).problems).to.deep.equal([]);
  });

  it('fetches no more in advance than may begin within 10 s', () => {
    const prefetch = (messages: number, perMs: number) => order({ maxRate: { messages, perMs } }, ANY).prefetch;
    expect([prefetch(50, 1000), prefetch(1, 1000), prefetch(1, 60_000), prefetch(7, 20_000)]).to.deep.equal([
      50, 10, 1, 4,
    ]);
    expect(order({ maxRate: { messages: 1, perMs: 60_000 }, prefetch: 30 }, ANY).prefetch).to.equal(30);
  });
});
