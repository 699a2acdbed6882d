import { expect } from 'chai';
import { describe, it } from 'mocha';
import { readCommandLine, startFault } from './command-line.js';

describe('readCommandLine', () => {
  it('takes the port that goes with what it speaks, and everything that is said', () => {
    expect(readCommandLine([])).to.deep.equal({
      kind: 'start',
      options: { port: 5672, host: '127.0.0.1', version: '4.3', vhosts: [] },
    });
    const given = ['--port', '0', '--host', '::1', '--version', '3.10', '--management-port', '15672', '--vhost', 'a'];
    expect(readCommandLine([...given, '--vhost', 'b', '--user', 'app:p:w', '--user', 'x:y'])).to.deep.equal({
      kind: 'start',
      options: {
        port: 0,
        host: '::1',
        version: '3.10',
        vhosts: ['a', 'b'],
        managementPort: 15672,
        users: [
          { name: 'app', password: 'p:w', tags: ['administrator'] },
          { name: 'x', password: 'y', tags: ['administrator'] },
        ],
      },
    });
  });

  it('tells every fault, and shows no password', () => {
    const read = readCommandLine([
      '--port=',
      '--management-port',
      '1e3',
      '--vhost=',
      '--user',
      'secret',
      '--tls-key',
      'k',
    ]);
    expect(read.kind === 'refused' && read.faults).to.have.members([
      '--tls-key needs --tls-cert beside it',
      '--user: expected <name>:<password>; received something else',
      '--management-port: expected a whole number from 0 to 65535; received "1e3"',
      '--port: expected a whole number from 0 to 65535; received ""',
      '--vhost: expected a name; received nothing',
    ]);
    for (const port of ['0', '65535']) expect(readCommandLine([`--port=${port}`]).kind, port).to.equal('start');
    for (const port of ['-1', '65536', '0x10', ' 1', 'amqp']) {
      expect(readCommandLine([`--port=${port}`]).kind, port).to.equal('refused');
    }
    for (const args of [['--prot', '1'], ['5672'], ['--port'], ['--help=1']]) {
      expect(readCommandLine(args).kind, args.join(' ')).to.equal('refused');
    }
    const missing = readCommandLine(['--tls-cert', '/nowhere/c', '--tls-key', '/nowhere/k']);
    expect(missing.kind === 'refused' && missing.faults.join()).to.match(/--tls-cert: .*ENOENT.*--tls-key: .*ENOENT/);
  });
});

describe('startFault', () => {
  const fault = (code: string | undefined) =>
    startFault(Object.assign(new Error('odd'), { code }), { host: 'h', port: 5 });

  it('says what to do about a port or an address that cannot be had, and leaves the rest as it is', () => {
    expect(fault('EADDRINUSE')).to.match(/port 5 of h is taken.*--port 6/);
    expect(fault('EACCES')).to.match(/from 1024/);
    expect(fault('EADDRNOTAVAIL')).to.match(/h is no address/);
    expect(fault(undefined)).to.equal('odd');
  });
});
