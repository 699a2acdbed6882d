import { spawn } from 'node:child_process';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { rejectionOf } from '../test-support/rejection-of.js';

const CHILD = `
  import { AmqplibTransport } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
  const transport = new AmqplibTransport({ connection: { urls: process.argv[1] } });
  await Promise.all([transport.connect('consume'), transport.connect('publish')]);
  const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
  await transport.close({ timeoutMs: 1000 });
  console.log('closed', process.getActiveResourcesInfo().filter((each) => each.includes('TCP')).length, channel.isOpen);
`;

onEachNode('when the transport is closed', (broker) => {
  it('leaves nothing behind that keeps the process alive', async () => {
    const child = spawn(process.execPath, [
      '--unhandled-rejections=strict',
      '--input-type=module',
      '-e',
      CHILD,
      broker.url,
    ]);
    let output = '';
    let closedAt = 0;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
        closedAt = performance.now();
      });
    }
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(output).to.match(/^closed \d+ false\n$/);
    expect(code).to.equal(0);
    expect(performance.now() - closedAt).to.be.below(1000);
  });

  it('closes twice, opens nothing more, and says so', async () => {
    const transport = new AmqplibTransport({ connection: { urls: broker.url } });
    await Promise.all([transport.connect('consume'), transport.connect('publish')]);
    await transport.close({ timeoutMs: 1000 });
    await transport.close({ timeoutMs: 1000 });
    expect(transport.health().map(({ state }) => state)).to.deep.equal(['closed', 'closed']);
    expect(await rejectionOf(transport.connect('consume'))).to.include({ code: 'LEV_INVALID_STATE' });
    const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 100 }));
    expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
    expect((error as Error).cause).to.include({ code: 'LEV_INVALID_STATE' });
  });

  it('closes without ever having connected', async () => {
    await new AmqplibTransport().close({ timeoutMs: 1000 });
  });
});
