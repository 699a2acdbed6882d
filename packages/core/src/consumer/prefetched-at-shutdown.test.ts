import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { QueueType } from '../topology/topology.js';
import { prefetchedAtShutdown } from './prefetched-at-shutdown.js';

const rabbit = (version: string, product = 'RabbitMQ') => ({ product, version, frameMax: 131_072 });
const VERSIONS = ['3.10.8', '3.13.7', '4.0.5', '4.2.9', '4.3.0', '4.3.6', '4.10.1', '5.0.0'];

describe('what was prefetched at shutdown', () => {
  it('is handled in none mode: the broker has forgotten it', () => {
    for (const type of ['classic', 'quorum', 'stream', undefined] as const) {
      for (const version of VERSIONS) expect(prefetchedAtShutdown(true, type, rabbit(version))).to.equal('run');
    }
  });

  it('is given back to classic queues and streams, where that costs nothing', () => {
    for (const type of ['classic', 'stream'] as const) {
      for (const broker of [...VERSIONS.map((version) => rabbit(version)), rabbit('1.0', 'LavinMQ'), undefined]) {
        expect(prefetchedAtShutdown(false, type, broker)).to.equal('give-back');
      }
    }
  });

  for (const type of ['quorum', undefined] satisfies (QueueType | undefined)[]) {
    it(`is given back to ${type ?? 'unknown'} queues only where that does not count as a failure`, () => {
      const decided = VERSIONS.map((version) => prefetchedAtShutdown(false, type, rabbit(version)));
      expect(decided).to.deep.equal(['run', 'run', 'run', 'run', 'give-back', 'give-back', 'give-back', 'give-back']);
      expect(prefetchedAtShutdown(false, type, rabbit('4.3.0-rc.1'))).to.equal('give-back');
      expect(prefetchedAtShutdown(false, type, undefined)).to.equal('run');
      expect(prefetchedAtShutdown(false, type, rabbit('9.9', 'LavinMQ'))).to.equal('run');
      for (const version of ['', 'unknown', '4']) {
        expect(prefetchedAtShutdown(false, type, rabbit(version))).to.equal('run');
      }
    });
  }
});
