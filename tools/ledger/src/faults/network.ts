import { setTimeout as delay } from 'node:timers/promises';
import type { FaultKind } from './fault-kind.js';

export const networkFaults: readonly FaultKind[] = [
  {
    name: 'tcp-cut',
    code: 'F1',
    share: 12,
    async inject(world) {
      await world.act({ kind: 'cut' });
    },
  },
  {
    name: 'tcp-cut-one',
    code: 'F1',
    share: 4,
    async inject(world, random) {
      await world.act({ kind: 'cut-one', which: random.next() });
    },
  },
  {
    name: 'black-hole-3s',
    code: 'F2',
    share: 1,
    async inject(world) {
      await world.act({ kind: 'freeze' });
      await delay(3000);
      await world.act({ kind: 'thaw' });
    },
  },
  {
    name: 'black-hole-20s',
    code: 'F2',
    share: 0.25,
    async inject(world) {
      await world.act({ kind: 'freeze' });
      await delay(20_000);
      await world.act({ kind: 'thaw' });
    },
  },
  {
    name: 'cut-mid-frame',
    code: 'F3',
    share: 3,
    async inject(world, random) {
      await world.act({ kind: 'cut-after', bytes: random.between(1, 4000) });
      // As a rule they have passed by then.
      await delay(200);
    },
  },
  {
    name: 'slow-network',
    code: 'F4',
    share: 0.7,
    async inject(world) {
      await world.act({ kind: 'slow' });
      await delay(5000);
      await world.act({ kind: 'fast' });
    },
  },
];
