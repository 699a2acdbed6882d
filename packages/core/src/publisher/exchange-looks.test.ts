import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { ExchangeLooks } from './exchange-looks.js';

function looking() {
  const asked: [string, number][] = [];
  const looks = new ExchangeLooks(
    {
      lookForExchange: async (name, timeoutMs) => {
        asked.push([name, timeoutMs]);
        return { missing: undefined };
      },
    },
    5_000,
  );
  const look = async (...names: readonly string[]) => {
    for (const name of names) looks.lookFor(name, () => {});
    await turn();
  };
  return { asked, looks, look };
}

describe('ExchangeLooks', () => {
  it('asks once for those who ask at once, for no longer than it may take', async () => {
    const { asked, looks, look } = looking();
    await look('orders', 'orders');
    expect(asked).to.deep.equal([['orders', 5_000]]);
    expect([looks.isKnown('orders'), looks.isKnown('others')]).to.deep.equal([true, false]);
  });

  it('remembers 10,000 names, and begins anew with one more', async () => {
    const { looks, look } = looking();
    await look(...Array.from({ length: 10_000 }, (_, n) => `e${n}`));
    expect([looks.isKnown('e0'), looks.isKnown('e9999')]).to.deep.equal([true, true]);
    await look('one more');
    expect(['one more', 'e0', 'e9999'].map((name) => looks.isKnown(name))).to.deep.equal([true, false, false]);
  });

  it('forgets what an answer of an older connection says', async () => {
    const { looks } = looking();
    looks.lookFor('orders', () => {});
    looks.forgetAll();
    await turn();
    expect(looks.isKnown('orders')).to.equal(false);
  });
});
