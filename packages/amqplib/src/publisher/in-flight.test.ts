import type { Message, Publication } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { publicationOf } from '../test-support/declarations.js';
import { InFlight, InFlightList } from './in-flight.js';

function listOf(...publications: readonly Publication[]): { list: InFlightList; entries: InFlight[] } {
  const list = new InFlightList();
  const entries = publications.map((publication) => new InFlight(publication, () => {}));
  for (const entry of entries) list.add(entry);
  return { list, entries };
}

function returned(publication: Publication): Message {
  const { exchange, routingKey, body, properties, headers } = publication;
  return { ...properties, exchange, routingKey, body: Buffer.from(body), headers, redelivered: false };
}

const withId = (messageId: string, changes: Partial<Publication> = {}) =>
  publicationOf('x', 'k', { properties: { messageId }, ...changes });

describe('InFlightList', () => {
  it('finds a returned message by its id', () => {
    const { list, entries } = listOf(withId('a'), withId('b'), withId('c'));
    expect(list.findReturned(returned(withId('b')))).to.equal(entries[1]);
  });

  it('takes the oldest of equals, and each only once', () => {
    const { list, entries } = listOf(withId('a'), withId('a'));
    const message = returned(withId('a'));
    const first = list.findReturned(message);
    expect(first).to.equal(entries[0]);
    first!.returned = { replyCode: 312, replyText: 'NO_ROUTE', message };
    expect(list.findReturned(message)).to.equal(entries[1]);
  });

  it('tells messages without an id apart by their body', () => {
    const publications = ['a', 'b'].map((body) => publicationOf('x', 'k', { body: Buffer.from(body) }));
    const { list, entries } = listOf(...publications);
    expect(list.findReturned(returned(publications[1]!))).to.equal(entries[1]);
  });

  it('falls back to the oldest when no body is the same', () => {
    const { list, entries } = listOf(publicationOf('x', 'k'), publicationOf('x', 'k'));
    expect(list.findReturned(returned(publicationOf('x', 'k', { body: Buffer.from('?') })))).to.equal(entries[0]);
  });

  it('passes over what differs in exchange or key, or was not mandatory', () => {
    const { list, entries } = listOf(
      withId('a', { exchange: 'y' }),
      withId('a', { routingKey: 'l' }),
      withId('a', { mandatory: false }),
      withId('a'),
    );
    expect(list.findReturned(returned(withId('a')))).to.equal(entries[3]);
    expect(list.findReturned(returned(withId('z')))).to.equal(undefined);
  });

  it('counts on, however many have settled, in whatever order', () => {
    const list = new InFlightList();
    const publication = withId('a');
    let [tag, oldest] = [0, 1];
    const add = () => {
      const entry = new InFlight(publication, () => {});
      list.add(entry);
      expect(entry.tag).to.equal(++tag);
    };
    for (let round = 0; round < 3000; round++) {
      add();
      add();
      add();
      expect(list.first?.tag).to.equal(oldest);
      for (const each of [oldest + 1, oldest, oldest + 2]) expect(list.take(each)?.tag).to.equal(each);
      expect(list.take(oldest)).to.equal(undefined);
      oldest += 3;
      // Something stays behind, so that what has settled is let go without all having settled.
      if (round % 1500 === 0) add();
      if (round % 1500 === 1499) expect(list.take(oldest++)).to.not.equal(undefined);
    }
  });

  it('gives up members from anywhere and keeps the order of the rest', () => {
    const { list, entries } = listOf(withId('a'), withId('b'), withId('c'), withId('d'));
    for (const index of [2, 0]) list.take(entries[index]!.tag);
    const last = new InFlight(withId('e'), () => {});
    list.add(last);
    expect(list.takeAll()).to.deep.equal([entries[1], entries[3], last]);
    expect(list.takeAll()).to.deep.equal([]);
  });
});
