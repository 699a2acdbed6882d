import type { ConnectionHealth, ListenerSnapshot } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Health, judgeHealth } from './health.js';

const connection = (state: string, blocked = false) => ({ role: 'consume', state, blocked }) as ConnectionHealth;
const listener = (state: string, attached: number, wanted: number) => ({ state, attached, wanted }) as ListenerSnapshot;
const CONNECTED = [connection('connected')];

function statusOf(parts: Partial<Omit<Health, 'status'>> & { readonly running?: boolean }): Health['status'] {
  const {
    running = true,
    connections = CONNECTED,
    listeners = [],
    stores,
    parts: others = [],
    standstills = [],
  } = parts;
  return judgeHealth(running, connections, listeners, [], stores, others, standstills).status;
}

describe('judgeHealth', () => {
  it('is down when it is not running, or no connection stands', () => {
    expect(statusOf({})).to.equal('up');
    expect(statusOf({ running: false })).to.equal('down');
    expect(statusOf({ connections: [] })).to.equal('down');
    expect(statusOf({ connections: [connection('waiting'), connection('connecting')] })).to.equal('down');
  });

  it('is degraded while a connection is away or blocked', () => {
    expect(statusOf({ connections: [...CONNECTED, connection('waiting')] })).to.equal('degraded');
    expect(statusOf({ connections: [...CONNECTED, connection('connected', true)] })).to.equal('degraded');
    expect(statusOf({ connections: [...CONNECTED, connection('connected')] })).to.equal('up');
  });

  it('is degraded while a listener lacks a consumer, but not for one that was stopped', () => {
    const withListener = (...given: Parameters<typeof listener>) => statusOf({ listeners: [listener(...given)] });
    expect([withListener('running', 2, 2), withListener('stopped', 0, 2)]).to.deep.equal(['up', 'up']);
    expect([withListener('running', 1, 2), withListener('paused', 2, 2), withListener('failed', 0, 0)]).to.deep.equal(
      Array(3).fill('degraded'),
    );
    expect(statusOf({ listeners: [listener('running', 1, 1), listener('starting', 0, 1)] })).to.equal('degraded');
  });

  it('is degraded by what costs messages of a store, by a part and by what the broker does not answer', () => {
    const store = (kind: string) => ({ service: 's', concerns: [{ kind, text: '' }] }) as never;
    expect(statusOf({ stores: { service: 's', concerns: [] } })).to.equal('up');
    for (const kind of ['service-conflict', 'forgets-early', 'unreachable']) {
      expect(statusOf({ stores: store(kind) }), kind).to.equal('degraded');
    }
    expect(statusOf({ stores: store('something-else') })).to.equal('up');
    expect(statusOf({ parts: [{ concerns: [] }] as never })).to.equal('up');
    expect(statusOf({ parts: [{ concerns: [] }, { concerns: ['x'] }] as never })).to.equal('degraded');
    expect(statusOf({ standstills: [{}] as never })).to.equal('degraded');
  });

  it('shows all that it judged', () => {
    const shown = {
      connections: CONNECTED,
      listeners: [],
      schedules: [],
      stores: undefined,
      parts: [],
      standstills: [],
    };
    expect(judgeHealth(true, CONNECTED, [], [], undefined, [], [])).to.deep.equal({ status: 'up', ...shown });
  });
});
