/** What the tests rely on when they start nodes of their own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { speaksAmqp, startCluster, startNode } from './brokers.mjs';
import { needs } from './needs.mjs';

async function gone(condition) {
  for (const end = performance.now() + 10_000; !condition(); await delay(50)) {
    if (performance.now() > end) return false;
  }
  return true;
}

describe('a private RabbitMQ node', function () {
  this.timeout(120_000);
  before(needs('private brokers'));

  it('dies with the process that started it, even by SIGKILL', async () => {
    const program = `
      const { startNode } = await import(${JSON.stringify(new URL('./brokers.mjs', import.meta.url).href)});
      const { pid, dir } = await startNode();
      console.log(JSON.stringify({ pid, dir }));
      setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await new Promise((resolve) => starter.stdout.once('data', (data) => resolve([String(data)])));
    const { pid, dir } = JSON.parse(line);
    expect(existsSync(`/proc/${pid}`), 'the node runs').to.equal(true);
    starter.kill('SIGKILL');
    expect(await gone(() => !existsSync(`/proc/${pid}`)), 'its process ends').to.equal(true);
    expect(await gone(() => !existsSync(dir)), 'its data goes').to.equal(true);
  });

  it('keeps its port and its data over kill and stop', async () => {
    const node = await startNode();
    try {
      await node.ctl('add_vhost', 'kept');
      await node.stop();
      expect(await speaksAmqp('127.0.0.1', node.port)).to.equal(false);
      await node.start();
      const first = node.pid;
      await node.kill();
      expect(node.pid).to.equal(undefined);
      await node.start();
      expect(node.pid).not.to.equal(first);
      expect(await node.ctl('list_vhosts', 'name')).to.contain('kept');
    } finally {
      await node.remove();
    }
    expect(existsSync(node.dir)).to.equal(false);
  });

  it('says what the broker said when it cannot start', async () => {
    const error = await startNode({ conf: 'no.such.key = 1' }).catch((reason) => reason);
    expect(error.message).to.contain('ended while starting').and.to.contain('no.such.key');
  });
});

describe('a private RabbitMQ cluster', function () {
  this.timeout(240_000);
  before(needs('private brokers'));

  const peers = async (node) => (await node.ctl('eval', 'nodes().')).match(/leveret-[\w-]+/g) ?? [];

  it('forms, loses a node to a partition, and finds it again', async () => {
    const cluster = await startCluster({ nodes: 3 });
    try {
      const [first, second, third] = cluster.nodes;
      expect(await peers(first)).to.have.lengthOf(2);
      await cluster.isolate(first);
      expect(await peers(first)).to.deep.equal([]);
      expect(await peers(second)).to.deep.equal([third.name.split('@')[0]]);
      expect(await speaksAmqp('127.0.0.1', first.port), 'clients reach it').to.equal(true);
      await cluster.heal();
      for (const end = performance.now() + 30_000; (await peers(first)).length < 2; await delay(200)) {
        expect(performance.now(), 'within 30 s').to.be.below(end);
      }
    } finally {
      await cluster.remove();
    }
    for (const { dir } of cluster.nodes) expect(existsSync(dir)).to.equal(false);
  });
});
