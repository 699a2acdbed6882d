import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, type RawClient, table } from '../testing/raw-client.support.test.js';
import { expectLines, Situation, VERSIONS } from '../testing/situation.support.test.js';
import { encodeTable } from '../wire/encode-table.js';
import type { FieldValue } from '../wire/field-table.js';
import { FRAME_HEADER } from '../wire/frame-parser.js';

function withHeader(key: string, field: FieldValue): Buffer {
  const flags = Buffer.from([0x20, 0]);
  return Buffer.concat([flags, encodeTable([[key, field]])]);
}

/** Publishes an empty body to queue `q` with properties as bytes. */
function publish(client: RawClient, properties: Buffer): void {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(60);
  client.send(1, 'basic.publish', { routingKey: 'q' });
  client.frame(FRAME_HEADER, 1, Buffer.concat([header, properties]));
}

/** The properties of the next message in queue `q`, as they come over the wire. */
async function received(client: RawClient): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const collect = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
  };
  client.socket.on('data', collect);
  await client.call(1, 'basic.get', { queue: 'q', noAck: true });
  client.socket.off('data', collect);
  const methodEnd = 8 + bytes.readUInt32BE(3);
  return bytes.subarray(methodEnd + 7 + 12, methodEnd + 7 + bytes.readUInt32BE(methodEnd + 3));
}

function nested(tag: 'F' | 'A', depth: number): FieldValue {
  let value: FieldValue = { tag: 'V', value: null };
  for (let i = 0; i < depth; i++) value = { tag, value: tag === 'F' ? [['', value]] : [value] };
  return value;
}

const DEEP = [
  ['tables 20,000 deep', withHeader('a', nested('F', 20_000))],
  ['arrays 24,000 deep', withHeader('a', nested('A', 24_000))],
] as const;

for (const version of VERSIONS) {
  describe(`when content is odd (${version})`, () => {
    for (const [name, properties] of DEEP) {
      it(`passes ${name} on, byte by byte, and shows them cut off`, async () => {
        await using situation = await Situation.start({ version });
        const client = await situation.client();
        await client.call(1, 'queue.declare', { queue: 'q' });
        publish(client, properties);
        await client.settle();
        const shown = JSON.stringify(situation.broker.queue('q')?.messages[0]?.headers);
        expect(shown).to.contain('nested deeper than 100 levels');
        expect((await received(client)).equals(properties)).to.equal(true);
      });

      it(`routes and dead-letters ${name}`, async () => {
        await using situation = await Situation.start({ version });
        const client = await situation.client();
        const dead = table({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' });
        await client.call(1, 'queue.declare', { queue: 'q', arguments: dead });
        await client.call(1, 'queue.declare', { queue: 'dead' });
        publish(client, properties);
        await client.call(1, 'basic.get', { queue: 'q' });
        client.send(1, 'basic.reject', { deliveryTag: 1 });
        await expectLines(client, []);
        expect(situation.broker.queue('dead')?.ready).to.equal(1);
      });
    }

    it('passes short texts on that are no UTF-8', async () => {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      await client.call(1, 'queue.declare', { queue: 'q' });
      const properties = Buffer.from('0480' + '03fffe00' + '0280c3', 'hex');
      publish(client, properties);
      expect((await received(client)).equals(properties)).to.equal(true);
    });

    it('passes an unsigned 64-bit header on as this version does', async () => {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      await client.call(1, 'queue.declare', { queue: 'q' });
      publish(client, withHeader('n', { tag: 'L', value: 2n ** 64n - 1n }));
      const expected: FieldValue = version === '3.10' ? { tag: 'L', value: 2n ** 64n - 1n } : { tag: 'l', value: -1n };
      expect((await received(client)).equals(withHeader('n', expected))).to.equal(true);
    });

    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      it(`closes the connection for a header of ${value}; its neighbours go on`, async () => {
        await using situation = await Situation.start({ version });
        const client = await situation.client();
        const neighbour = await situation.client();
        await neighbour.call(1, 'queue.declare', { queue: 'q' });
        publish(client, withHeader('n', { tag: 'd', value }));
        expect(describeSeen(await client.next())).to.equal('0 connection.close 541 INTERNAL_ERROR (0,0)');
        expect(describeSeen(await neighbour.call(1, 'queue.declare', { queue: 'q' }))).to.equal(
          '1 queue.declare-ok q messages=0 consumers=0',
        );
      });
    }
  });
}

describe('when a header has the name of something that every object has', () => {
  it('is shown', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    await client.call(1, 'queue.declare', { queue: 'q' });
    for (const key of ['toString', '__proto__']) {
      publish(client, withHeader(key, { tag: 'S', value: 'v' }));
      await client.settle();
      const [message] = situation.broker.queue('q')?.messages ?? [];
      expect(Object.entries(message?.headers ?? {})).to.deep.equal([[key, 'v']]);
      await client.call(1, 'queue.purge', { queue: 'q' });
    }
  });
});
