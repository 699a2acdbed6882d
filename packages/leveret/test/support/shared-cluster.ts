import { after, before } from 'mocha';
import { type BrokerCluster, startCluster } from '../../../../tools/scripts/brokers.mjs';
import { needs } from '../../../../tools/scripts/needs.mjs';

let suites = 0;
let cluster: BrokerCluster | undefined;

/**
 * Three nodes for as many suites as ask for them, all of them up when a suite begins: started by the first suite, and removed
 * behind the last. To be called in a `describe`; what it answers is for hooks and tests.
 */
export function sharedCluster(): () => BrokerCluster {
  suites++;
  before(needs('private brokers'));
  before('three nodes that are up', async () => {
    cluster ??= await startCluster();
    await allUp(cluster);
  });
  after(async () => {
    if (--suites > 0) return;
    await cluster?.remove();
    cluster = undefined;
  });
  return () => {
    if (cluster === undefined) throw new Error('expected a cluster that runs: use it inside hooks and tests only');
    return cluster;
  };
}

/** Starts what is down. */
export async function allUp(cluster: BrokerCluster): Promise<void> {
  if (cluster.nodes.every(({ pid }) => pid !== undefined)) return;
  await Promise.all(cluster.nodes.map((node) => node.start()));
  await cluster.formed();
}
