import type { Publication } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { array, bytes, entry, hex, table } from '../test-support/property-bytes.js';
import { randomSection } from '../test-support/random-section.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { useTransport } from '../test-support/use-transport.js';

const ODD: readonly (readonly [what: string, verbatim: NonNullable<Publication['verbatim']>])[] = [
  ['an unsigned 64-bit integer', odd(entry('h', 'L', 'ffffffffffffffff'))],
  ['4,000 tables within each other', odd(table(4000))],
  ['24,000 arrays within each other', odd(array(24_000))],
  [
    'text and names that are not UTF-8',
    odd(entry('h', 'S', bytes(hex('ff'))), Buffer.concat([hex('02fffe'), Buffer.from('V')])),
  ],
  ['a name that comes twice', odd(entry('h', 'I', '00000001'), entry('h', 'I', '00000002'))],
  ['a message id that is not UTF-8', { headers: [], properties: { messageId: hex('fffe') } }],
  ['a timestamp of 64 bits', { headers: [], properties: { timestamp: hex('ffffffffffffffff') } }],
];

/** What RabbitMQ delivers from 4.0 on, where it makes something that can be read of it. */
const MENDED: Readonly<Record<string, unknown>> = { 'an unsigned 64-bit integer': -1, 'a name that comes twice': 1 };

function odd(...entries: readonly Buffer[]): NonNullable<Publication['verbatim']> {
  return { properties: {}, headers: entries.map((each) => ({ name: '', entry: each, exact: false })) };
}

const ROUNDS = Number(process.env['LEVERET_FUZZ_DELIVERIES'] ?? 5000);

onEachNode('when properties cannot be read', (broker) => {
  const here = useTransport(broker);

  async function publish(routingKey: string, verbatim: Publication['verbatim']): Promise<void> {
    const channel = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
    const publication = {
      exchange: '',
      routingKey,
      body: Buffer.from('b'),
      mandatory: true,
      properties: {},
      headers: {},
    };
    const kind = await new Promise((settled) =>
      channel.publish({ ...publication, verbatim }, (outcome) => settled(outcome.kind)),
    );
    expect(kind).to.equal('ack');
    await channel.close();
  }

  for (const [what, verbatim] of ODD) {
    it(`delivers ${what} with its bytes, and disturbs nobody`, async () => {
      const [one, two] = [
        await here.admin.makeQueue(here.admin.queueName('odd')),
        await here.admin.makeQueue(here.admin.queueName('good')),
      ];
      const sinks = [new RecordingSink(), new RecordingSink()] as const;
      await here.transport.subscribe(consumeRequest(one), sinks[0]).ready;
      await here.transport.subscribe(consumeRequest(two), sinks[1]).ready;
      await publish(one, verbatim);
      await here.admin.send(two, 'good');
      await eventually('both messages', () => sinks.every(({ deliveries }) => deliveries.length === 1));
      const { message } = sinks[0].deliveries[0]!;
      expect([...sinks[0].causes, ...sinks[1].causes]).to.deep.equal([]);
      if (broker.version !== '3.10' && what in MENDED) {
        expect(message.headers['h']).to.equal(MENDED[what]);
        return;
      }
      const received = message.verbatim!;
      expect(received.headers.map((header) => header.entry)).to.deep.equal(
        verbatim.headers.map((header) => header.entry),
      );
      expect(received.properties).to.deep.equal(verbatim.properties);
    });

    it(`takes ${what} back when it is returned, and goes on publishing`, async () => {
      const channel = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
      const publication = { exchange: '', routingKey: 'nobody', body: Buffer.from('b'), mandatory: true, headers: {} };
      // As it reads: what is returned is known by it.
      const properties = { messageId: verbatim.properties.messageId?.toString() };
      const returned = await new Promise((settled) =>
        channel.publish({ ...publication, properties, verbatim }, (outcome) =>
          settled(outcome.kind === 'ack' && outcome.returned?.replyCode),
        ),
      );
      expect(returned).to.equal(312);
      expect(channel.isOpen).to.equal(true);
      await channel.close();
    });
  }
});

describe('when a peer delivers random properties', () => {
  let peer: RawPeer;
  let transport: AmqplibTransport;

  beforeEach('start a peer', async () => {
    peer = await RawPeer.start();
    transport = new AmqplibTransport({ connection: { urls: peer.url } });
  });
  afterEach('stop the peer', async () => {
    await transport.close({ timeoutMs: 1000 });
    await peer.stop();
  });

  it(`loses no connection over ${ROUNDS} of them`, async function () {
    this.timeout(10_000 + ROUNDS);
    let count = 0;
    const sink = new RecordingSink();
    sink.deliver = ({ channel, deliveryTag }) => {
      count++;
      channel.ack(deliveryTag);
    };
    await transport.subscribe(consumeRequest('q'), sink).ready;
    for (let seed = 0; seed < ROUNDS; seed++)
      await peer.deliver(randomSection(seed), seed % 3 === 0 ? Buffer.alloc(0) : undefined);
    await eventually('all of them', () => count === ROUNDS, ROUNDS);
    expect(sink.causes).to.deep.equal([]);
    expect(peer.connections).to.equal(1);
  });
});
