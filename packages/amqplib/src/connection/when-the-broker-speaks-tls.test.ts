import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { type BrokerNode, startNode } from '../../../../tools/scripts/brokers.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { type Certificate, needsTlsNodes, TestAuthority } from '../test-support/certificates.js';
import { publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import type { ConnectionOptions } from './connection-options.js';

const EXTERNAL = `
auth_mechanisms.1 = PLAIN
auth_mechanisms.2 = EXTERNAL
ssl_cert_login_from = common_name
`;

describe('when the broker speaks TLS', function () {
  // A node needs seconds to start, on a busy machine many.
  this.timeout(120_000);
  let ours: TestAuthority;
  let theirs: TestAuthority;
  let guest: Certificate;
  let strict: BrokerNode;
  let open: BrokerNode;
  let transport: AmqplibTransport;

  before(needsTlsNodes);
  before('make certificates and start two nodes', async () => {
    ours = await TestAuthority.make('ours');
    theirs = await TestAuthority.make('theirs');
    const server = await ours.issue('localhost', ['DNS:localhost']);
    guest = await ours.issue('guest');
    const tls = { ca: ours.ca, ...server };
    [open, strict] = await Promise.all([
      startNode({ tls }),
      startNode({
        tls: { ...tls, clientCertificate: 'required' },
        plugins: ['rabbitmq_auth_mechanism_ssl'],
        conf: EXTERNAL,
      }),
    ]);
  });
  after(async () => {
    await Promise.all([open?.remove(), strict?.remove()]);
    await ours?.[Symbol.asyncDispose]();
    await theirs?.[Symbol.asyncDispose]();
  });
  afterEach(() => transport?.close({ timeoutMs: 1000 }));

  function transportTo(urls: string | undefined, options: ConnectionOptions): AmqplibTransport {
    expect(urls).to.match(/^amqps:/);
    transport = new AmqplibTransport({ connection: { urls: urls as string, ...options } });
    return transport;
  }

  /** Fails the start at once, which no fault does that is tried again: `startTimeout` is longer than the test may take. */
  async function refusal(urls: string | undefined, options: ConnectionOptions): Promise<Error & { code?: string }> {
    const error = await rejectionOf(transportTo(urls, { ...options, startTimeout: '10m' }).connect('consume'));
    return error as Error;
  }

  async function sendAndReceive(): Promise<void> {
    const queue = 'over.tls';
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
    expect(await publish(channel, publicationOf('', queue))).to.deep.equal({ kind: 'ack', returned: undefined });
    await eventually('the message', () => sink.bodies.includes('body'));
  }

  it('publishes and consumes when the certificate comes from the authority given', async () => {
    transportTo(open.tlsUrl, { tls: { ca: ours.ca } });
    await sendAndReceive();
  });

  it('refuses a certificate of an unknown authority', async () => {
    for (const tls of [{}, { ca: theirs.ca }]) {
      const error = await refusal(open.tlsUrl, { tls });
      expect(error.code).to.equal('LEV_CONNECTION_FAILED');
      expect(error.message)
        .to.include(new URL(open.tlsUrl as string).host)
        .and.include('is not trusted (self-signed certificate in certificate chain)')
        .and.include('tls.ca');
      await transport.close({ timeoutMs: 1000 });
    }
  });

  it('refuses a certificate that is made out to another name, unless told that name', async () => {
    const elsewhere = open.tlsUrl?.replace('localhost', '127.0.0.1');
    const error = await refusal(elsewhere, { tls: { ca: ours.ca } });
    expect(error.code).to.equal('LEV_CONNECTION_FAILED');
    expect(error.message).to.include('made out to DNS:localhost, not to 127.0.0.1').and.include('tls.servername');
    transportTo(elsewhere, { tls: { ca: ours.ca, servername: 'localhost' } });
    await transport.connect('consume');
  });

  it('says that a port speaks no TLS', async () => {
    const error = await refusal(open.url.replace('amqp:', 'amqps:'), { tls: { ca: ours.ca } });
    expect(error.message).to.include('does not speak TLS').and.include('amqp://');
  });

  it('shows its certificate to a broker that requires one', async () => {
    transportTo(strict.tlsUrl, { tls: { ca: ours.ca, ...guest } });
    await sendAndReceive();
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`says that the broker wants another certificate, or one at all (${version})`, async () => {
      const stranger = await theirs.issue('guest');
      for (const certificate of [{}, stranger]) {
        const tls = { ca: ours.ca, ...certificate, minVersion: version, maxVersion: version };
        const error = await refusal(strict.tlsUrl, { tls });
        expect(error.code).to.equal('LEV_CONNECTION_FAILED');
        expect(error.message).to.include('ended the TLS handshake').and.include('tls.cert, tls.key');
        await transport.close({ timeoutMs: 1000 });
      }
    });
  }

  it('takes the user from the certificate with the mechanism EXTERNAL', async () => {
    const tls = { ca: ours.ca, ...guest };
    transportTo(strict.tlsUrl, { username: 'ignored', mechanism: 'EXTERNAL', tls });
    await sendAndReceive();
  });

  it('says that the broker knows no user of the name in the certificate', async () => {
    const tls = { ca: ours.ca, ...(await ours.issue('nobody')) };
    const error = await refusal(strict.tlsUrl, { mechanism: 'EXTERNAL', tls });
    expect(error.code).to.equal('LEV_AUTHENTICATION_REFUSED');
    expect(error.message).to.include('the user that the certificate of this client names');
  });

  it('says that the broker does not offer EXTERNAL', async () => {
    const error = await refusal(open.tlsUrl, { mechanism: 'EXTERNAL', tls: { ca: ours.ca } });
    expect(error.code).to.equal('LEV_AUTHENTICATION_REFUSED');
    expect(error.message).to.include('does not offer the mechanism EXTERNAL');
  });

  for (const [how, interrupt] of [
    ['at once when it is cut', async (proxy: TcpProxy) => proxy.cut()],
    [
      'as soon as the port is open again',
      async (proxy: TcpProxy) => {
        await proxy.down();
        await eventually('the long pause', () => transport.health()[0]?.state === 'waiting');
        await proxy.up();
      },
    ],
  ] as const) {
    it(`comes back over TLS ${how}`, async () => {
      const url = open.tlsUrl as string;
      const proxy = await TcpProxy.start(url);
      try {
        const reconnect = { initialInterval: '1m', maxInterval: '1m' } as const;
        transportTo(proxy.through(url), { reconnect, tls: { ca: ours.ca, servername: 'localhost' } });
        const events: ConnectionEvent[] = [];
        transport.on((event) => events.push(event));
        await transport.connect('consume');
        await interrupt(proxy);
        await eventually('the second connection', () => events.filter(({ type }) => type === 'connected').length === 2);
      } finally {
        await proxy.down();
      }
    });
  }
});
