import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Verbatim, VerbatimHeader } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import { carryVerbatim } from './carry-verbatim.js';
import { aFailure, FakeSender } from './failed-delivery.support.test.js';
import { republish } from './republish-recoverer.js';

function header(name: string, bytes: number): VerbatimHeader {
  return { name, entry: Buffer.alloc(bytes, name), exact: false };
}

function verbatim(parts: Partial<Verbatim>): Verbatim {
  return { fault: undefined, properties: {}, headers: [], section: undefined, ...parts };
}

async function parkedCopy(parts: Partial<Verbatim>, of = {}) {
  const publisher = new FakeSender();
  await republish('error.direct', 'error').recover(aFailure({ publisher, of: { ...of, verbatim: verbatim(parts) } }));
  return publisher.sent[0]!;
}

describe('a republished copy of a message that only bytes hold', () => {
  it('carries its headers as bytes, in their order, and leveret writes its own beside them', async () => {
    const headers = [header('one', 9), header('two', 9), header('one', 9)];
    const { verbatim: carried, headers: own } = await parkedCopy({ headers }, { headers: { one: '\uFFFD', two: 2 } });
    expect(carried?.headers).to.deep.equal(headers);
    expect(own).to.include({ 'x-leveret-reason': 'exhausted' }).and.not.to.have.any.keys('one', 'two');
  });

  it('leaves behind what is written anew, and what would send it elsewhere', async () => {
    const names = ['CC', 'BCC', 'x-leveret-queue', 'x-original-exchange', 'x-exception-message', 'x-mine'];
    const { verbatim: carried } = await parkedCopy({ headers: names.map((name) => header(name, 9)) });
    expect(carried?.headers.map(({ name }) => name)).to.deep.equal(['x-mine']);
  });

  it('carries 120,000 bytes of one header, and leaves out and counts what fits into no frame', async () => {
    const large = await parkedCopy({ headers: [header('large', 120_000), header('small', 9)] });
    expect(large.verbatim?.headers).to.have.lengthOf(2);
    expect(large.headers).not.to.have.property('x-leveret-headers-left-out');
    const larger = await parkedCopy({ headers: [header('larger', 130_000), header('small', 9)] });
    expect(larger.verbatim?.headers.map(({ name }) => name)).to.deep.equal(['small']);
    expect(larger.headers).to.include({ 'x-leveret-headers-left-out': 1 });
  });

  it('keeps 4 KiB of the frame for its properties, and 2 KiB for the facts of leveret', async () => {
    const most = 131_072 - 4096 - 4 - 2048;
    const carried = async (bytes: number) =>
      (await parkedCopy({ headers: [header('h', bytes)] })).verbatim?.headers.length;
    expect([await carried(most), await carried(most + 1)]).to.deep.equal([1, 0]);
  });

  it('carries properties that are no text, but neither the user nor the expiration', async () => {
    const bytes = Buffer.from([0xff]);
    const properties = { messageId: bytes, userId: bytes, expiration: bytes };
    const copy = await parkedCopy({ properties }, { headers: { h: 1 }, messageId: '\uFFFD' });
    expect(copy.verbatim).to.deep.equal({ properties: { messageId: bytes }, headers: [] });
    expect(copy.headers).to.include({ h: 1 });
  });

  it('carries in a header what does not follow the encoding', async () => {
    const section = Buffer.from([0x80, 0x00, 0x05]);
    const copy = await parkedCopy({ section, fault: 'its properties are odd' });
    expect(copy.headers['x-leveret-original-properties']).to.equal(section);
    const tooLarge = await parkedCopy({ section: Buffer.alloc(130_000), fault: 'its properties are odd' });
    expect(tooLarge.headers).to.include({ 'x-leveret-headers-left-out': 1 });
  });
});

describe('carryVerbatim', () => {
  const carry = (parts: Partial<Verbatim>, budgetBytes: number) =>
    carryVerbatim(aMessage({ verbatim: verbatim(parts) }), () => false, budgetBytes);
  const names = (carried: ReturnType<typeof carry>) => carried?.verbatim.headers.map(({ name }) => name);

  it('has nothing to do where values say all', () => {
    expect(carryVerbatim(aMessage(), () => false, 1000)).to.equal(undefined);
  });

  it('takes headers along up to the last byte, and leaves out the largest first, as few as need be', () => {
    const headers = [header('a', 10), header('c', 30), header('b', 20)];
    expect(carry({ headers }, 60)).to.deep.equal({
      verbatim: { properties: {}, headers },
      ...{ allHeaders: true, bytes: 60, headers: {} },
    });
    const left = [59, 30, 29, 10, 9].map((budget) => {
      const carried = carry({ headers }, budget);
      return [names(carried), carried?.bytes, carried?.headers['x-leveret-headers-left-out']];
    });
    expect(left).to.deep.equal([
      [['a', 'b'], 30, 1],
      [['a', 'b'], 30, 1],
      [['a'], 10, 2],
      [['a'], 10, 2],
      [[], 0, 3],
    ]);
  });

  it('stands for the headers only where it has some', () => {
    expect(carry({}, 1000)).to.deep.equal({
      verbatim: { properties: {}, headers: [] },
      ...{ allHeaders: false, bytes: 0, headers: {} },
    });
    expect(carry({ headers: [header('one', 9)] }, 1000)?.allHeaders).to.equal(true);
  });

  it('keeps in a header what does not follow the encoding, up to the last byte', () => {
    const section = Buffer.alloc(50);
    const none = { verbatim: { properties: {}, headers: [] }, allHeaders: false, bytes: 0 };
    expect(carry({ section }, 50)).to.deep.equal({ ...none, headers: { 'x-leveret-original-properties': section } });
    expect(carry({ section }, 49)).to.deep.equal({ ...none, headers: { 'x-leveret-headers-left-out': 1 } });
  });
});
