import { expect } from 'chai';
import { describe, it } from 'mocha';
import { asParked } from '../parked/parked-message.js';
import { aMessage } from '../test-support/a-message.js';
import { parkedCopy, readStaged, retryCopy, stagedFacts } from './copies.js';
import { decideWayBack, decideWayBackOf } from './decide-return.js';
import { inOrder, placesFor } from './order.js';

const TARGET = { exchange: '', routingKey: 'orders' };

describe('decideWayBack', () => {
  it('returns what is not counted, and copies the rest', () => {
    for (const version of ['3.10.8', '4.0.5', '4.3.6']) {
      expect(decideWayBack({ version, type: 'classic' })).to.equal('returned');
    }
    for (const type of ['quorum', undefined]) {
      expect(decideWayBack({ version: '4.2.9', type })).to.equal('copied');
      expect(decideWayBack({ version: '4.3.0', type })).to.equal('returned');
      expect(decideWayBack({ version: 'odd', type })).to.equal('copied');
    }
  });

  it('clears a count that a process left behind which died', () => {
    expect(decideWayBackOf('returned', 0)).to.equal('returned');
    expect(decideWayBackOf('returned', 1)).to.equal('copied');
  });
});

describe('the order of messages with copies among them', () => {
  const at = (place: number | undefined, messageId: string) => {
    const headers = place === undefined ? {} : { 'x-leveret-parked-place': place };
    return aMessage({ headers, messageId });
  };
  const ordered = (...messages: ReturnType<typeof at>[]) => inOrder(messages, (message) => message);

  it('is that of their places, and those without come behind', () => {
    const messages = [at(undefined, 'c'), at(undefined, 'd'), at(0, 'a'), at(1, 'b')];
    expect(ordered(...messages).map(({ messageId }) => messageId)).to.eql(['a', 'b', 'c', 'd']);
    expect(placesFor(ordered(...messages))).to.eql([0, 1, 2, 3]);
  });

  it('is that of their places, whatever order they come in, and for the same place that in which they came', () => {
    const messages = [at(9, 'd'), at(undefined, 'e'), at(4, 'b'), at(0, 'a'), at(4, 'c')];
    expect(ordered(...messages).map(({ messageId }) => messageId)).to.eql(['a', 'b', 'c', 'd', 'e']);
  });

  it('keeps places that have gaps', () => {
    expect(placesFor([at(4, 'a'), at(9, 'b'), at(undefined, 'c')])).to.eql([4, 9, 10]);
    expect(placesFor([at(4, 'a'), at(4, 'a again'), at(5, 'b')])).to.eql([4, 5, 6]);
  });

  it('does not believe a place that is none', () => {
    for (const place of ['1', -1, 0.5, Number.NaN, 2 ** 60]) {
      const odd = aMessage({ headers: { 'x-leveret-parked-place': place }, messageId: 'odd' });
      expect(ordered(odd, at(0, 'a')).map(({ messageId }) => messageId)).to.eql(['a', 'odd']);
    }
  });
});

describe('a copy of a parked message', () => {
  const message = aMessage({
    exchange: 'dlx',
    routingKey: 'k',
    messageId: 'm',
    userId: 'u',
    priority: 4,
    headers: { CC: ['other'], 'x-delivery-count': 2, 'x-death': [{ queue: 'q' }], own: 1 },
  });

  it('can be read as what it is a copy of, also over several copies', () => {
    let read = message;
    for (let round = 0; round < 3; round++) {
      const { body, headers, properties, ...copy } = parkedCopy(read, 'errors', 7);
      expect(copy).to.deep.include({ exchange: '', routingKey: 'errors', mandatory: true });
      expect(properties.userId).to.equal(undefined);
      expect(headers).to.not.have.any.keys('CC', 'x-delivery-count');
      read = { ...properties, body, headers, exchange: '', routingKey: 'errors', redelivered: false };
    }
    const parked = asParked(read);
    expect(parked).to.deep.include({ exchange: 'dlx', routingKey: 'k', messageId: 'm', userId: 'u', priority: 4 });
    expect(parked.headers).to.eql({ CC: ['other'], 'x-death': [{ queue: 'q' }], own: 1 });
  });

  it('carries bytes that no value says', () => {
    const entry = Buffer.from([3, 111, 119, 110, 83, 0, 0, 0, 1, 0xff]);
    const verbatim = {
      fault: undefined,
      section: undefined,
      properties: { type: Buffer.from([0xff]) },
      headers: [
        { name: 'own', entry, exact: false },
        { name: 'x-delivery-count', entry, exact: true },
      ],
    };
    const copy = parkedCopy({ ...message, verbatim }, 'errors', 0);
    expect(copy.verbatim?.headers.map(({ name }) => name)).to.eql(['own']);
    expect(copy.verbatim?.properties).to.eql(verbatim.properties);
    expect(copy.headers).to.not.have.any.keys('own');
    const section = { ...verbatim, headers: [], section: Buffer.from([1, 2]) };
    const odd = parkedCopy({ ...message, verbatim: section }, 'errors', 0);
    expect(odd.headers['x-leveret-original-properties']).to.eql(section.section);
  });

  it('says where it goes while it is staged', () => {
    const copy = parkedCopy(message, 'staging', undefined, stagedFacts(TARGET, 'key'));
    const staged = aMessage({ headers: copy.headers });
    expect(readStaged(staged)).to.eql({ target: TARGET, key: 'key' });
    expect(readStaged(message)).to.equal(undefined);
    expect(parkedCopy(staged, 'errors', undefined).headers).to.not.have.any.keys(Object.keys(stagedFacts(TARGET, 'k')));
  });
});

describe('a message that is sent back', () => {
  const parked = aMessage({
    messageId: 'm',
    expiration: '5',
    userId: 'u',
    deliveryMode: 1,
    headers: {
      'x-original-exchange': 'e',
      'X-Exception-Message': 'no',
      'x-leveret-queue': 'q',
      'x-death': [],
      'x-first-death-queue': 'q',
      'x-delivery-count': 1,
      CC: ['c'],
      own: 1,
    },
  });

  it('has its id and its own headers, and none that say why it was parked', () => {
    const copy = retryCopy(parked, TARGET, { 'x-leveret-retry-of': 'k' });
    expect(copy.headers).to.eql({ own: 1, 'x-leveret-retry-of': 'k' });
    expect(copy.properties).to.include({ messageId: 'm', deliveryMode: 2, expiration: undefined, userId: undefined });
    expect(copy).to.include({ exchange: '', routingKey: 'orders', mandatory: true });
  });

  it('has what a person changed', () => {
    const body = Buffer.from('new');
    const change = {
      body,
      headers: { own: 2, 'x-leveret-queue': 'no' },
      properties: { type: 'T', priority: undefined },
    };
    const copy = retryCopy(parked, TARGET, {}, change);
    expect(copy.body).to.equal(body);
    expect(copy.headers).to.eql({ own: 2 });
    expect(copy.properties).to.include({ type: 'T', priority: undefined, messageId: 'm' });
  });
});
