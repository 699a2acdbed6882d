import { expect } from 'chai';
import { describe, it } from 'mocha';
import { WireConnection } from './wire-ledger.js';

/** What passes is written frame by frame, as RabbitMQ and its clients would. */
class Wire {
  readonly lines: string[] = [];
  readonly #connection = new WireConnection(7, 'ledger', {
    write: (event, words) => this.lines.push(`${event} ${words}`),
  });

  constructor() {
    this.#connection.up(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
  }

  up(...frames: readonly Buffer[]): this {
    // Byte by byte: a frame comes in any pieces.
    for (const byte of Buffer.concat(frames)) this.#connection.up(Buffer.of(byte));
    return this;
  }

  down(...frames: readonly Buffer[]): this {
    this.#connection.down(Buffer.concat(frames));
    return this;
  }

  end(): this {
    this.#connection.end();
    return this;
  }
}

describe('reading the wire', () => {
  it('writes down publishes, and which of them a confirm stands for', () => {
    const { lines } = new Wire()
      .up(method(85, 10, Buffer.of(0)), publish('ledger', 'm1'), publish('ledger', 'm2'), publish('errors', 'm3'))
      .down(settle(80, 2, 1), settle(80, 3, 0));
    expect(lines).to.deep.equal([
      'open 7',
      'publish 1 7.1',
      'publish 2 7.1',
      'copy 3 7.1',
      'confirm 1',
      'confirm 2',
      'copied 3',
    ]);
  });

  it('does not take a returned message for a confirmed one', () => {
    const { lines } = new Wire()
      .up(method(85, 10, Buffer.of(0)), publish('ledger', 'm1'))
      .down(returned('m1'), settle(80, 1, 0));
    expect(lines).to.deep.equal(['open 7', 'publish 1 7.1', 'return 1']);
  });

  it('writes down deliveries, and how they were settled', () => {
    const { lines } = new Wire()
      .down(deliver(1, false, 'm1'), deliver(2, false, 'm2'), deliver(3, true, 'm3'), deliver(4, false, 'm4'))
      .up(settle(80, 2, 1), settle(90, 3, 1), settle(90, 4, 0));
    expect(lines.slice(5)).to.deep.equal(['ack 1 7.1', 'ack 2 7.1', 'requeue 3 7.1', 'drop 4 7.1']);
    expect(lines.slice(1, 5)).to.deep.equal([
      'deliver 1 7.1 1',
      'deliver 2 7.1 2',
      'redeliver 3 7.1 3',
      'deliver 4 7.1 4',
    ]);
  });

  it('says at the end what was on its way', () => {
    const { lines } = new Wire()
      .up(method(85, 10, Buffer.of(0)), publish('ledger', 'm1'))
      .down(deliver(1, false, 'm2'), deliver(2, false, 'm3'))
      .end();
    expect(lines.at(-1)).to.equal('end 7 2 1');
  });

  it('says the same of a channel that is closed', () => {
    const { lines } = new Wire().down(deliver(1, false, 'm2'), method(20, 40, Buffer.alloc(10))).end();
    expect(lines.slice(-2)).to.deep.equal(['channel-end 7.1 1 0', 'end 7 0 0']);
  });
});

function frame(type: number, payload: Buffer): Buffer {
  const head = Buffer.from([type, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.of(0xce)]);
}

function method(area: number, number: number, rest: Buffer): Buffer {
  return frame(1, Buffer.concat([Buffer.from([0, area, 0, number]), rest]));
}

const short = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);

function header(messageId: string): Buffer {
  const headers = Buffer.concat([short('x'), Buffer.from('S\0\0\0\x01y', 'latin1')]);
  const table = Buffer.alloc(4);
  table.writeUInt32BE(headers.length);
  // content type, headers, delivery mode, message id
  const flags = Buffer.of(0b1011_0000, 0b1000_0000);
  return frame(
    2,
    Buffer.concat([
      Buffer.from([0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
      flags,
      short('text/json'),
      table,
      headers,
      Buffer.of(2),
      short(messageId),
    ]),
  );
}

function publish(exchange: string, messageId: string): Buffer {
  const body = frame(3, Buffer.from('{}'));
  return Buffer.concat([
    method(60, 40, Buffer.concat([Buffer.of(0, 0), short(exchange), short('key'), Buffer.of(0)])),
    header(messageId),
    body,
  ]);
}

function returned(messageId: string): Buffer {
  return Buffer.concat([
    method(60, 50, Buffer.concat([Buffer.of(1, 56), short('NO_ROUTE'), short('ledger'), short('key')])),
    header(messageId),
  ]);
}

function deliver(tag: number, redelivered: boolean, messageId: string): Buffer {
  const rest = Buffer.concat([
    short('consumer'),
    long(tag),
    Buffer.of(redelivered ? 1 : 0),
    short('ledger'),
    short('key'),
  ]);
  return Buffer.concat([method(60, 60, rest), header(messageId)]);
}

/** Ack (80) or reject (90), with its bits. */
function settle(number: number, tag: number, bits: number): Buffer {
  return method(60, number, Buffer.concat([long(tag), Buffer.of(bits)]));
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
