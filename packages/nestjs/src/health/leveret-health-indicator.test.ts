import { expect } from 'chai';
import type { Health } from 'leveret';
import { describe, it } from 'mocha';
import { entryOf } from './leveret-health-indicator.js';

function health(parts: Partial<Record<keyof Health, unknown>>): Health {
  return {
    status: 'up',
    connections: [],
    listeners: [],
    schedules: [],
    parts: [],
    standstills: [],
    ...parts,
  } as Health;
}

describe('LeveretHealthIndicator', () => {
  it('says up and down as leveret does, and of degraded what it is told', () => {
    expect(entryOf(health({}), 'up')).to.deep.equal({ status: 'up', state: 'up', connections: [], listeners: [] });
    expect(entryOf(health({ status: 'down' }), 'up').status).to.equal('down');
    expect(entryOf(health({ status: 'degraded' }), 'up')).to.include({ status: 'up', state: 'degraded' });
    expect(entryOf(health({ status: 'degraded' }), 'down')).to.include({ status: 'down', state: 'degraded' });
  });

  it('names what is amiss, and nothing else', () => {
    const connections = [
      { role: 'consume', state: 'connecting', blocked: false },
      { role: 'publish', state: 'connected', blocked: true },
      { role: 'other', state: 'connected', blocked: false },
    ];
    const listeners = [
      { id: 'Orders.on', state: 'running', attached: 1, wanted: 2 },
      { id: 'Orders.off', state: 'stopped', attached: 0, wanted: 1 },
      { id: 'Orders.well', state: 'running', attached: 1, wanted: 1 },
    ];
    expect(entryOf(health({ status: 'degraded', connections, listeners }), 'up')).to.deep.equal({
      status: 'up',
      state: 'degraded',
      connections: ['consume: connecting', 'publish: blocked'],
      listeners: ['Orders.on: running, 1 of 2 consumers'],
    });
  });
});
