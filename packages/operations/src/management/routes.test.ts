import { expect } from 'chai';
import { describe, it } from 'mocha';
import { matchesTopic, routesOf } from './routes.js';

describe('matchesTopic', () => {
  it('follows RabbitMQ', () => {
    for (const [pattern, key, matches] of [
      ['a.b', 'a.b', true],
      ['a.*', 'a.b', true],
      ['a.*', 'a', false],
      ['a.*', 'a.b.c', false],
      ['a.#', 'a', true],
      ['a.#', 'a.b.c', true],
      ['#', '', true],
      ['#.c', 'a.b.c', true],
      ['a.#.c', 'a.c', true],
      ['a.#.*', 'a', false],
      ['*', '', true],
      ['#.#.#.#.#.x', 'a.a.a.a.a.a.a.a.a.b', false],
    ] as const) {
      expect(matchesTopic(pattern, key), `${pattern} and ${key}`).to.equal(matches);
    }
  });
});

describe('routesOf', () => {
  const exchange = (name: string, type: string) =>
    ({ name, type, durable: true, autoDelete: false, internal: false, arguments: {}, policy: undefined }) as const;
  const binding = (source: string, destination: string, routingKey: string, destinationType: 'queue' | 'exchange') =>
    ({ source, destination, destinationType, routingKey, arguments: {} }) as const;
  const routes = routesOf(
    [exchange('d', 'direct'), exchange('t', 'topic'), exchange('f', 'fanout'), exchange('h', 'headers')],
    [
      binding('d', 'q1', 'k', 'queue'),
      binding('d', 't', 'k', 'exchange'),
      binding('t', 'q2', '#', 'queue'),
      binding('t', 'd', '#', 'exchange'),
      binding('f', 'h', '', 'exchange'),
    ],
  );

  it('follows bindings between exchanges, in circles too', () => {
    expect(routes('d', 'k')).to.eql(['q1', 'q2']);
    expect(routes('d', 'other')).to.eql([]);
    expect(routes('', 'queue')).to.eql(['queue']);
    expect(routes('gone', 'k')).to.eql([]);
  });

  it('says that it cannot tell about headers', () => {
    expect(routes('h', 'k')).to.equal(undefined);
    expect(routes('f', 'k')).to.equal(undefined);
  });
});
