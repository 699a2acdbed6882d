/** What situations on both brokers rely on. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { startEmbeddedNode } from './embedded-node.mjs';
import { speaksAmqp } from './ports.mjs';
import { root } from './sources.mjs';

describe('an embedded node', () => {
  it('keeps its port over stop and kill, and starts once', async () => {
    const node = await startEmbeddedNode({ version: '4.0' });
    const answers = () => speaksAmqp('127.0.0.1', node.port);
    try {
      for (const end of ['stop', 'kill']) {
        expect(await answers()).to.equal(true);
        await node[end]();
        expect(await answers()).to.equal(false);
        await node.start();
        await node.start();
      }
      expect(await answers()).to.equal(true);
    } finally {
      await node.remove();
    }
    expect(await answers()).to.equal(false);
  });
});

describe('a suite on each broker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leveret-each-'));
  const spec = join(folder, 'spec.mjs');
  before('write it', () => {
    const module = new URL('./each-broker.mjs', import.meta.url).href;
    writeFileSync(
      spec,
      `import { it } from ${JSON.stringify(import.meta.resolve('mocha'))};
       import { onEachNode } from ${JSON.stringify(module)};
       onEachNode('when tried', (node) => it('runs', () => console.log(node.url)));`,
    );
  });
  after('take it away', () => rmSync(folder, { recursive: true }));

  function run(env) {
    const { LEVERET_TEST_BROKER, LEVERET_SKIP_PRIVATE_BROKERS, CI, ...others } = process.env;
    const mocha = [join(root, 'node_modules/mocha/bin/mocha.js'), '--no-config', '--exit', spec];
    const { status, stdout, stderr } = spawnSync(process.execPath, mocha, {
      env: { ...others, ...env },
      encoding: 'utf8',
    });
    return { status, output: `${stdout}${stderr}` };
  }

  it('says what it left out where RabbitMQ is missing', () => {
    const { status, output } = run({ LEVERET_SKIP_PRIVATE_BROKERS: 'none here' });
    expect(status).to.equal(0);
    expect(output).to.match(/when tried, on the embedded broker\s+amqp:\/\/guest:guest@127\.0\.0\.1:\d+/);
    expect(output).to.match(/left out on RabbitMQ \S+ \(none here\):\s+when tried/);
    expect(output).to.contain('1 passing').and.to.contain('1 pending');
  }).timeout(60_000);

  it('fails with CI=true where RabbitMQ is missing', () => {
    const missing = { LEVERET_TEST_BROKER: 'rabbitmq', LEVERET_TEST_BROKER_VERSION: '0.0' };
    expect(run({ ...missing, CI: 'true' })).to.have.property('status', 1);
    expect(run(missing)).to.have.property('status', 0);
  }).timeout(60_000);

  it('runs on one broker when told to, and says so when it does not know it', () => {
    expect(run({ LEVERET_TEST_BROKER: 'embedded' }).output)
      .to.contain('1 passing')
      .and.to.not.contain('pending');
    expect(run({ LEVERET_TEST_BROKER: 'kafka' }).output).to.contain('expected embedded or rabbitmq');
  }).timeout(60_000);
});
