import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerNode } from '../../../scripts/brokers.mjs';
import type { World } from '../run/world.js';
import { NAMES } from '../workload/row.js';
import type { FaultKind } from './fault-kind.js';

const FORMED_LIMIT_MS = 90_000;
const ANSWER_LIMIT_MS = 10_000;

const isCluster = ({ cluster }: World) => cluster !== undefined;

/** Asks the management API of some node that runs: rabbitmqctl takes tens of seconds on a busy machine. */
async function ask(world: World, path: string): Promise<unknown> {
  const node = world.nodes.find(({ pid }) => pid !== undefined) ?? world.node;
  const url = new URL(node.managementUrl ?? '');
  const headers = { authorization: `Basic ${btoa(`${url.username}:${url.password}`)}` };
  const answer = await fetch(`http://${url.host}/api/${path}`, {
    headers,
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  return answer.json();
}

async function leader(world: World): Promise<BrokerNode> {
  const queue = (await ask(world, `queues/%2F/${NAMES.queue}`)) as { leader?: string; node?: string };
  const found = world.nodes.find(({ name, pid }) => pid !== undefined && name === (queue.leader ?? queue.node));
  if (found === undefined) throw new Error(`expected a leader of ${NAMES.queue} that runs, received ${queue.leader}`);
  return found;
}

/** Resolves when every node runs, as seen by one of them. */
async function formed(world: World): Promise<void> {
  const end = performance.now() + FORMED_LIMIT_MS;
  for (;;) {
    const nodes = (await ask(world, 'nodes').catch(() => [])) as { running?: boolean }[];
    if (nodes.length === world.nodes.length && nodes.every(({ running }) => running)) return;
    if (performance.now() > end) throw new Error(`the nodes did not find each other within ${FORMED_LIMIT_MS} ms`);
    await delay(500);
  }
}

/** Faults of a three-node cluster of quorum queues. A proxy stands before each node, so that clients may reach all of them. */
export const clusterFaults: readonly FaultKind[] = [
  {
    name: 'leader-kill',
    code: 'F14',
    share: 5,
    fits: isCluster,
    // Over when it is dead: the election is part of how soon it goes on.
    async inject(world, _random, over) {
      const victim = await leader(world);
      world.ledger.write('broker-killed', victim.name);
      await victim.kill();
      over();
      await delay(1000);
      await victim.start();
      await formed(world);
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
      await delay(1000);
      await node.start();
      await formed(world);
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
      await formed(world);
    },
  },
];
