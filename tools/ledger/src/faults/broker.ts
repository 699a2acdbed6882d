import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../run/world.js';
import { NAMES } from '../workload/row.js';
import type { FaultKind } from './fault-kind.js';

const isSingle = ({ nodes }: World) => nodes.length === 1;

async function frozen(world: World, ms: number): Promise<void> {
  const { pid } = world.node;
  if (pid === undefined) return;
  process.kill(pid, 'SIGSTOP');
  try {
    await delay(ms);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

export const brokerFaults: readonly FaultKind[] = [
  {
    name: 'broker-kill',
    code: 'F5',
    share: 1.8,
    fits: isSingle,
    async inject(world) {
      world.ledger.write('broker-killed');
      await world.node.kill();
      await world.node.start();
    },
  },
  {
    name: 'broker-restart',
    code: 'F6',
    share: 0.3,
    fits: isSingle,
    async inject(world) {
      await world.node.stop();
      await world.node.start();
    },
  },
  { name: 'broker-stopped-8s', code: 'F7', share: 0.3, fits: isSingle, inject: (world) => frozen(world, 8000) },
  { name: 'broker-stopped-20s', code: 'F7', share: 0.15, fits: isSingle, inject: (world) => frozen(world, 20_000) },
  {
    name: 'memory-alarm',
    code: 'F11',
    share: 0.4,
    async inject(world) {
      await world.node.memoryAlarm(true);
      await delay(3000);
      await world.node.memoryAlarm(false);
    },
  },
  {
    name: 'queue-deleted',
    code: 'F12',
    share: 0.5,
    async inject(world) {
      await world.deleteQueue();
      world.ledger.write('queue-deleted');
    },
  },
  {
    name: 'queue-full',
    code: 'F12',
    share: 0.3,
    // A quorum queue counts what nobody has taken yet: with consumers that keep up it would never be full.
    async inject(world) {
      const tellAll = (type: 'pause' | 'resume') => {
        for (const consumer of world.consumers) consumer.tell({ type });
      };
      tellAll('pause');
      try {
        await world.node.ctl(
          'eval',
          `rabbit_policy:parse_set(<<"/">>, <<"ledger-full">>, <<"^${NAMES.queue}$">>, <<"{\\"max-length\\":5,\\"overflow\\":\\"reject-publish\\"}">>, <<"0">>, <<"queues">>, <<"ledger">>), timer:sleep(1500), rabbit_policy:delete(<<"/">>, <<"ledger-full">>, <<"ledger">>).`,
        );
      } finally {
        tellAll('resume');
      }
    },
  },
  {
    name: 'listener-paused',
    code: 'F12',
    share: 0.7,
    async inject(world, random) {
      const consumer = random.pick(world.consumers);
      consumer.tell({ type: 'pause' });
      await delay(1000);
      consumer.tell({ type: 'resume' });
    },
  },
  {
    name: 'unknown-ack',
    code: 'F13',
    share: 1,
    async inject(world, random) {
      await world.act({ kind: 'unknown-ack', which: random.next() });
    },
  },
  {
    name: 'wrong-exchange',
    code: 'F13',
    share: 1,
    async inject(world, random) {
      random.pick(world.publishers).tell({ type: 'wrong-exchange' });
    },
  },
];
