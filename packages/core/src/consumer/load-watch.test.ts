import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { ListenerDefinition } from './listener-definition.js';
import { aDefinition, type ListenerParts } from './listener-harness.support.test.js';
import { LoadWatch } from './load-watch.js';

/** Handlers one after the other, 10 s each, of which so many milliseconds were idle, with a queue of such lengths behind them. */
async function lines(
  idle: readonly number[],
  lengths: readonly (number | 'missing' | Error)[],
  changes: Partial<ListenerDefinition> = {},
) {
  const clock = new FakeClock();
  const logged: { readonly fields: object; readonly text: string }[] = [];
  const log = (fields: object, text: string) => logged.push({ fields, text });
  const logger = { debug: log, info: log, warn: log, error: log };
  let idleMs = 0;
  const left = [...lengths];
  const countMessages = async (): Promise<number | 'missing'> => {
    const next = left.shift() ?? 0;
    if (next instanceof Error) throw next;
    return next;
  };
  const definition = aDefinition({ definition: changes } as ListenerParts);
  const watch = new LoadWatch({ definition, transport: { countMessages }, clock, logger, idleMs: () => idleMs });
  for (const each of idle) {
    watch.load.began(clock.monotonic());
    idleMs += each;
    await clock.advance(10_000);
    watch.load.ended(clock.monotonic());
    await turn();
  }
  return logged;
}

describe('LoadWatch', () => {
  it('says once that the queue grows while its handlers only wait', async () => {
    const logged = await lines([9900, 9900, 9900, 9900, 9900, 9900], [1, 5, 9, 12, 13, 14], { concurrency: 1 });
    expect(logged).to.have.lengthOf(1);
    expect(logged[0]?.text).to.match(/the queue grows while its handlers wait.*a higher concurrency would help/);
    expect(logged[0]?.fields).to.include({ concurrency: 1, messages: 9, busy: '100%', waiting: '99%' });
  });

  for (const [what, idle, lengths, changes] of [
    ['grows only now and then', [9900, 9900, 9900, 9900], [1, 5, 4, 9], {}],
    ['grows while it computes', [1000, 1000, 1000, 1000], [1, 5, 9, 12], {}],
    ['grows, but not in windows that follow each other', [9900, 9900, 0, 9900, 9900], [1, 5, 9, 12], {}],
    ['keeps its order', [9900, 9900, 9900], [1, 5, 9], { ordered: true }],
    ['is not there', [9900, 9900, 9900], ['missing', 'missing', 'missing'], {}],
    ['cannot be asked', [9900, 9900, 9900], [new Error('no'), new Error('no'), new Error('no')], {}],
  ] as const) {
    it(`says nothing of a queue that ${what}`, async () => {
      expect(await lines(idle, lengths, changes)).to.deep.equal([]);
    });
  }
});
