import { expect } from 'chai';
import { describe, it } from 'mocha';
import { suspectsOf } from './decide-suspects.js';

const consumers = [
  { queue: 'a', channel: 1, isAsking: false },
  { queue: 'b', channel: 2, isAsking: true },
  { queue: 'c', channel: 3, isAsking: true },
];
const closed = (code: number, text: string) => new Error(`Connection closed: ${code} (X) with message "${text}"`);

describe('suspectsOf', () => {
  for (const [what, error, channel, expected] of [
    ['the one whose frame could not be taken', new Error('odd frame'), 1, ['a']],
    ['the one that the broker names', closed(540, "NOT_IMPLEMENTED - queue 'a' in vhost '/'"), undefined, ['a']],
    ['those without an answer when it names none', closed(541, 'INTERNAL_ERROR'), undefined, ['b', 'c']],
    ['nobody when the broker shuts down', closed(320, 'CONNECTION_FORCED - shutdown'), undefined, []],
    ['nobody when the connection was lost', new Error('read ECONNRESET'), undefined, []],
    ['nobody without an error', undefined, undefined, []],
    ['nobody for a frame of no consumer', new Error('odd frame'), 0, []],
  ] as const) {
    it(`suspects ${what}`, () => {
      expect(suspectsOf({ error, channel }, consumers)).to.deep.equal(expected);
    });
  }
});
