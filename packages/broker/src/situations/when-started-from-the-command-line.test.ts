import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { RawClient } from '../testing/raw-client.support.test.js';

const CLI = fileURLToPath(new URL('../cli.js', import.meta.url));

describe('when started from the command line', () => {
  it('says where it listens, serves, and ends on a signal', async () => {
    const child = spawn(process.execPath, [CLI, '--port', '0', '--version', '4.0', '--management-port', '0']);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    while (!output.includes('management API')) await once(child.stdout, 'data');
    const port = Number(/127\.0\.0\.1:(\d+)\n/.exec(output)?.[1]);
    const client = await RawClient.connect(port);
    expect(await client.lines()).to.deep.equal([]);
    child.kill('SIGTERM');
    await once(child, 'exit');
    client.destroy();
    expect(child.exitCode).to.equal(0);
  });

  it('lets the process end after close, whatever was going on', async () => {
    const script = `
      import { connect } from 'node:net';
      import { Broker } from ${JSON.stringify(new URL('../index.js', import.meta.url).href)};
      const broker = await Broker.start({ managementPort: 0 });
      broker.clock.schedule(() => {}, 3_600_000);
      const socket = connect(broker.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('AMQP\\0\\0\\x09\\x01');
      await new Promise((resolve) => socket.once('data', resolve));
      await broker.close();
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).to.equal(0);
  });

  it('explains itself when asked wrongly', async () => {
    const child = spawn(process.execPath, [CLI, '--version', '9']);
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    await once(child, 'close');
    expect(child.exitCode).to.equal(1);
    expect(errors).to.include("expected one of '3.10', '4.0', '4.3'; received \"9\"").and.include('Usage:');
  });
});
