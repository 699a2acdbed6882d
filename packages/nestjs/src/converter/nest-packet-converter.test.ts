import { buildMessage } from '@leveret/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { nestPacketConverter } from './nest-packet-converter.js';

class Order {}

function read(body: unknown, target?: abstract new () => unknown): unknown {
  const message = buildMessage({});
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return nestPacketConverter().fromMessage({ ...message, contentType: undefined, body: bytes }, target);
}

describe('nestPacketConverter', () => {
  it('takes the data of packets that ClientProxy publishes, by emit and by send', () => {
    expect(read({ pattern: 'order.placed', data: { id: 7 } }, Order)).to.deep.equal({ id: 7 });
    expect(read({ pattern: { cmd: 'price' }, data: { id: 7 }, id: 'abc' })).to.deep.equal({ id: 7 });
    expect(read({ pattern: 'name', data: 'Ann' }, String)).to.equal('Ann');
    expect(read({ pattern: 'nothing', data: null }, Object)).to.equal(null);
  });

  it('takes anything else as it is', () => {
    expect(read({ id: 7 }, Order)).to.deep.equal({ id: 7 });
    expect(read({ data: 1 }, Object)).to.deep.equal({ data: 1 });
    for (const bytes of [Buffer, Uint8Array]) {
      expect(read({ pattern: 'x', data: 1 }, bytes as never)).to.be.instanceOf(Buffer);
    }
    for (const value of ['null', '5', '"text"', '[1]']) expect(read(value, Object)).to.deep.equal(JSON.parse(value));
  });

  it('refuses what is no JSON', () => {
    expect(() => read('{', Order))
      .to.throw()
      .with.property('code', 'LEV_MESSAGE_UNREADABLE');
  });

  it('writes payloads without an envelope, as ClientProxy reads replies', () => {
    expect(nestPacketConverter().toMessage({ id: 7 }, {}).body.toString()).to.equal('{"id":7}');
  });
});
