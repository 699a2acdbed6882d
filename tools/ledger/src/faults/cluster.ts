import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../run/world.js';
import { NAMES } from '../workload/row.js';
import type { FaultKind } from './fault-kind.js';

const isCluster = ({ cluster }: World) => cluster !== undefined;

/** Faults of a three-node cluster of quorum queues. A proxy stands before each node, so that clients may reach all of them. */
export const clusterFaults: readonly FaultKind[] = [
  {
    name: 'leader-kill',
    code: 'F14',
    share: 3,
    fits: isCluster,
    async inject(world, _random, over) {
      const leader = await world.cluster?.leaderOf(NAMES.queue);
      if (leader === undefined) return;
      const elected = await world.cluster?.watchElection(NAMES.queue, leader);
      world.ledger.write('broker-killed', leader.name);
      await leader.kill();
      await elected?.();
      over();
      await leader.start();
      await world.cluster?.formed();
    },
  },
  {
    name: 'node-stop',
    code: 'F15',
    share: 1,
    fits: isCluster,
    async inject(world, random, over) {
      const node = random.pick(world.nodes);
      await node.stop();
      over();
      await delay(2000);
      await node.start();
      await world.cluster?.formed();
    },
  },
  {
    name: 'partition',
    code: 'F16',
    share: 1,
    fits: isCluster,
    async inject(world, random) {
      const node = random.pick(world.nodes);
      await world.cluster?.isolate(node);
      await delay(8000);
      await world.cluster?.heal();
      await world.cluster?.formed();
    },
  },
];
