import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { apply } from './apply.js';

const exchange = (name: string, more: object = {}) => ({
  ...{ name, type: 'topic', durable: true, autoDelete: false, internal: false, arguments: { 'x-a': 1 } },
  declare: true,
  ...more,
});
const queue = (name: string, more: object = {}) => ({
  ...{ name, type: 'classic', durable: true, autoDelete: false, exclusive: false, arguments: {}, declare: true },
  ...more,
});
const binding = (source: string, destination: string, destinationType = 'queue') => ({
  ...{ source, destination, destinationType, routingKey: 'k', arguments: {} },
});

describe('apply', () => {
  let log: string[];
  let there: Set<string>;
  let fails: (what: string) => boolean;
  let broker: { isOpen: boolean; [method: string]: unknown };
  let applied: { applied: unknown[]; notices: string[]; failures: { message: string }[] };
  let reader: object | undefined;

  beforeEach(() => {
    [log, there, fails] = [[], new Set(), () => false];
    applied = { applied: [], notices: [], failures: [] };
    reader = { applyPolicies: async () => applied };
    const told =
      (what: string) =>
      async (...args: unknown[]): Promise<void> => {
        const line = `${what} ${args.filter((each) => typeof each === 'string').join(' ')}`;
        log.push(line);
        if (fails(line)) throw new Error('406 PRECONDITION_FAILED');
      };
    broker = {
      ...{ isOpen: true, broker: { version: '4.3.6' } },
      exchangeExists: async (name: string) => there.has(name),
      queue: async (name: string) => (there.has(name) ? { messages: 0, consumers: 0 } : undefined),
      ...{ declareExchange: told('exchange'), declareQueue: told('queue') },
      ...{ bindQueue: told('bind'), bindExchange: told('bind exchange') },
    };
  });
  const applying = (plan: object, options = {}) => {
    const needManagement = async () => {
      if (reader === undefined) throw new Error('no management API');
      return reader;
    };
    const session = { broker, needManagement } as unknown as OperationsSession;
    return apply(session, { exchanges: [], queues: [], bindings: [], policies: [], ...plan } as never, options);
  };
  const NOTHING = { exchanges: 0, queues: 0, bindings: 0, policies: 0, notices: [], refused: [] };

  it('declares exchanges, then queues, then bindings, and counts them', async () => {
    const plan = {
      exchanges: [exchange('ex'), exchange('inner')],
      queues: [queue('q')],
      bindings: [binding('ex', 'q'), binding('ex', 'inner', 'exchange')],
    };
    expect(await applying(plan)).to.deep.equal({ ...NOTHING, exchanges: 2, queues: 1, bindings: 2 });
    expect(log).to.deep.equal([
      ...['exchange ex topic', 'exchange inner topic', 'queue q', 'bind q ex k', 'bind exchange inner ex k'],
    ]);
  });

  it('leaves out what is there and is declared only where it is missing, and what belongs to one connection', async () => {
    there = new Set(['old ex', 'old']);
    const plan = {
      exchanges: [exchange('old ex', { declare: 'if-missing' }), exchange('new ex', { declare: 'if-missing' })],
      queues: [
        queue('old', { declare: 'if-missing' }),
        queue('new', { declare: 'if-missing' }),
        queue('own', { exclusive: true }),
      ],
      bindings: [binding('new ex', 'own'), binding('new ex', 'new')],
    };
    expect(await applying(plan)).to.deep.equal({ ...NOTHING, exchanges: 1, queues: 1, bindings: 1 });
    expect(log).to.deep.equal(['exchange new ex topic', 'queue new', 'bind new new ex k']);
  });

  it('says what was refused, and declares the rest', async () => {
    fails = (line) => line.includes('bad');
    const plan = {
      exchanges: [exchange('bad ex'), exchange('ex')],
      queues: [queue('bad'), queue('q')],
      bindings: [binding('ex', 'bad'), binding('ex', 'q')],
    };
    expect(await applying(plan)).to.deep.equal({
      ...{ ...NOTHING, exchanges: 1, queues: 1, bindings: 1 },
      refused: [
        'exchange bad ex: 406 PRECONDITION_FAILED',
        'queue bad: 406 PRECONDITION_FAILED',
        'binding ex -> bad: 406 PRECONDITION_FAILED',
      ],
    });
  });

  it('ends when the connection is lost', async () => {
    fails = () => {
      broker.isOpen = false;
      return true;
    };
    const error = await applying({ exchanges: [exchange('a'), exchange('b')] }).catch((thrown: unknown) => thrown);
    expect((error as Error).message).to.contain('406');
    expect(log).to.have.lengthOf(1);
  });

  it('applies policies where that is asked for, and says what came of them', async () => {
    const plan = { exchanges: [exchange('ex')], policies: [{ name: 'p' }] };
    applied = { applied: [1, 2], notices: ['left out'], failures: [{ message: 'policy p was refused' }] };
    expect(await applying(plan)).to.deep.equal({ ...NOTHING, exchanges: 1 });
    expect(await applying(plan, { policies: true })).to.deep.equal({
      ...{ ...NOTHING, exchanges: 1, policies: 2, notices: ['left out'], refused: ['policy p was refused'] },
    });
    log = [];
    reader = undefined;
    const refused = await applying(plan, { policies: true }).catch((thrown: unknown) => thrown);
    expect((refused as Error).message).to.equal('no management API');
    expect(log, 'before anything is declared').to.deep.equal([]);
    expect(await applying({ exchanges: [exchange('ex')] }, { policies: true })).to.include({ exchanges: 1 });
  });
});
