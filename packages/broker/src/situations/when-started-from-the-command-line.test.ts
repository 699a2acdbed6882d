import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Broker } from '../broker.js';
import { TEST_CERTIFICATE, TEST_KEY } from '../testing/certificate.support.test.js';
import { RawClient } from '../testing/raw-client.support.test.js';

const CLI = fileURLToPath(new URL('../../bin/leveret-broker.js', import.meta.url));

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
    expect(output).to.include('behaves as RabbitMQ 4.0.5');
    expect(await client.lines()).to.deep.equal([]);
    child.kill('SIGTERM');
    await once(child, 'exit');
    client.destroy();
    expect(child.exitCode).to.equal(0);
  });

  it('ends on Ctrl-C', async () => {
    const child = spawn(process.execPath, [CLI, '--port', '0']);
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
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

  async function outputOf(...args: string[]) {
    const child = spawn(process.execPath, [CLI, ...args]);
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      said.err += chunk.toString();
    });
    await once(child, 'close');
    return { ...said, code: child.exitCode };
  }

  it('says why it turns a client away, which may hang without a word otherwise', async () => {
    const child = spawn(process.execPath, [CLI, '--port', '0', '--user', 'app:secret', '--vhost', 'shop']);
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    while (!/:(\d+)\n/.test(output)) await once(child.stdout, 'data');
    const port = Number(/:(\d+)\n/.exec(output)?.[1]);
    const says = async (words: RegExp) => {
      while (!words.test(errors)) await once(child.stderr, 'data');
    };
    const login = { user: 'app', password: 'secret' };
    const clients = [RawClient.connect(port, { ...login, frameMax: 4096 })];
    await says(
      /turned 127\.0\.0\.1:\d+ away: it asks for frames of 4096 bytes, and RabbitMQ 4\.3\.6 takes none below 8192.*frameMax=8192.*--version 3\.10/,
    );
    clients.push(RawClient.connect(port));
    await says(/there is no user "guest" with this password/);
    clients.push(RawClient.connect(port, { ...login, vhost: 'a\u001b[2Jb' }));
    await says(/there is no virtual host "a\\u001b\[2Jb"/);
    clients.push(RawClient.connect(port, { ...login, mechanism: 'EXTERNAL' }));
    await says(/cannot log in by "EXTERNAL"/);
    const web = connect(port, '127.0.0.1').on('error', () => undefined);
    web.write('GET / HTTP/1.1\r\n\r\n');
    await says(/is no AMQP 0-9-1/);
    const welcome = await RawClient.connect(port, { ...login, vhost: 'shop' });
    welcome.destroy();
    expect(errors.trim().split('\n')).to.have.length(5);
    child.kill('SIGTERM');
    await once(child, 'exit');
    web.destroy();
    for (const client of await Promise.allSettled(clients)) if (client.status === 'fulfilled') client.value.destroy();
  });

  it('speaks TLS with the certificate it is given', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'leveret-broker-'));
    try {
      const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
      await writeFile(cert, TEST_CERTIFICATE);
      await writeFile(key, TEST_KEY);
      const child = spawn(process.execPath, [CLI, '--port', '0', '--tls-cert', cert, '--tls-key', key]);
      const [first] = (await once(child.stdout, 'data')) as [Buffer];
      expect(first.toString()).to.match(/^listening on amqps:\/\/guest:guest@127\.0\.0\.1:\d+\n/);
      child.kill('SIGTERM');
      await once(child, 'exit');
      expect(await outputOf('--tls-cert', cert)).to.include({ code: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('explains itself when asked', async () => {
    for (const flag of ['-h', '--help']) {
      const { out, err, code } = await outputOf(flag);
      expect({ err, code }).to.deep.equal({ err: '', code: 0 });
      expect(out).to.match(/^Usage: /);
    }
  });

  it('says that its port is taken, and what to do', async () => {
    const taken = await Broker.start();
    const { err, code } = await outputOf('--port', String(taken.port));
    await taken.close();
    expect(code).to.equal(1);
    expect(err).to.equal(
      `port ${taken.port} of 127.0.0.1 is taken. Does RabbitMQ, or another broker, run here already? --port ${taken.port + 1} takes another port, --port 0 a free one.\n`,
    );
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
