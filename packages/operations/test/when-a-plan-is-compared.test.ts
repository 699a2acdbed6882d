import { apply, askForDefinitions, type OperationsSession, planTopology, readDefinitions } from '@leveret/operations';
import { expect } from 'chai';
import { Leveret } from 'leveret';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { Outside, sessionOn } from './support/parking.js';

onEachNode('when a plan is compared with a broker', (node) => {
  const id = `plan-${process.pid}-${Date.now()}`;
  const of = (name: string) => `${id}-${name}`;
  let outside: Outside;
  let session: OperationsSession;

  before(async () => {
    outside = await Outside.open(node.url);
    session = await sessionOn(node);
  });
  after(async () => {
    // Undefined where all of this was skipped.
    await session?.close();
    await outside?.close();
  });

  const application = () =>
    new Leveret({
      connection: { urls: node.url },
      service: id,
      logger: 'silent',
      topology: {
        exchanges: ['e1', 'e2', 'e3', 'e4'].map((name) => ({ name: of(name), type: 'topic' as const })),
        queues: [
          { name: of('q1') },
          { name: of('q2'), arguments: { 'x-message-ttl': 1000 } },
          { name: of('q3') },
          { name: of('q4'), type: 'quorum' as const },
          { name: of('q5') },
        ],
        bindings: [
          { exchange: of('e1'), queue: of('q1'), routingKey: 'a' },
          { exchange: of('e1'), queue: of('q2'), routingKey: 'b' },
        ],
        policies: [
          { name: of('p1'), pattern: `^${of('q')}`, definition: { 'max-length': 5 }, applyTo: 'queues', priority: 1 },
          { name: of('p2'), pattern: `^${of('x')}`, definition: { 'max-length': 5, 'queue-mode': 'lazy' } },
        ],
      },
    }).plan();

  async function definitions() {
    const reader = await session.needManagement('This test', '');
    return askForDefinitions(reader, session.broker.broker.version);
  }

  /** What `rabbitmqctl export_definitions` writes; the embedded broker exports none. */
  async function exported() {
    const reader = await session.needManagement('This test', '');
    const answer = await reader.get('/api/definitions').catch(() => undefined);
    return answer === undefined ? undefined : readDefinitions(answer, '/');
  }

  async function plantDrift() {
    const { channel } = outside;
    await channel.assertExchange(of('e1'), 'topic');
    await channel.assertExchange(of('e2'), 'direct');
    await channel.assertExchange(of('e3'), 'topic', { alternateExchange: 'amq.fanout' });
    await channel.assertQueue(of('q1'), { durable: false });
    await channel.assertQueue(of('q2'), { arguments: { 'x-message-ttl': 2000 } });
    await channel.assertQueue(of('q3'), { arguments: { 'x-max-length': 9 } });
    await channel.assertQueue(of('q4'));
    await channel.assertQueue(of('old'));
    await channel.assertQueue(`leveret.${id}.wait.5000`);
    await channel.bindQueue(of('q1'), of('e1'), 'a');
    await channel.bindQueue(of('q1'), of('e1'), 'old');
    await channel.bindQueue(of('old'), of('e1'), 'o');
    const definition = { 'max-length': 6 };
    await policy('PUT', 'p1', { pattern: `^${of('q')}`, definition, 'apply-to': 'queues', priority: 1 });
  }

  async function policy(method: 'PUT' | 'DELETE', name: string, body?: object): Promise<void> {
    const { username, password, origin } = new URL(node.managementUrl);
    const credentials = Buffer.from(`${username || 'guest'}:${password || 'guest'}`).toString('base64');
    await fetch(`${origin}/api/policies/%2F/${of(name)}`, {
      method,
      headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function cleanUp() {
    const { channel } = outside;
    for (const name of ['q1', 'q2', 'q3', 'q4', 'q5', 'old'].map(of)) await channel.deleteQueue(name);
    await channel.deleteQueue(`leveret.${id}.wait.5000`);
    for (const name of ['e1', 'e2', 'e3', 'e4'].map(of)) await channel.deleteExchange(name);
    for (const name of ['p1', 'p2']) await policy('DELETE', name);
  }

  const DRIFT = [
    'differs exchange e2 type',
    'differs exchange e3 alternate-exchange',
    'create exchange e4',
    'differs queue q1 durable',
    'differs queue q2 x-message-ttl',
    'differs queue q3 x-max-length',
    'differs queue q4 x-queue-type',
    'create queue q5',
    'create binding e1 -> q2 (b)',
    'differs policy p1 max-length',
    'create policy p2',
    'unused queue leveret.wait.5000',
    'unused queue old',
    'unused binding e1 -> q1 (old)',
  ];

  const listed = (drift: ReturnType<typeof planTopology>) =>
    drift
      .map(({ kind, object, name, argument }) => [kind, object, name, argument].filter(Boolean).join(' '))
      .map((text) => text.replaceAll(`${id}-`, '').replace(`${id}.`, ''));

  it('names fourteen planted drifts, exactly, on the broker and in exported definitions', async () => {
    await plantDrift();
    const plan = await application();
    const live = await definitions();
    expect(listed(planTopology(plan, live))).to.have.members(DRIFT);
    const file = await exported();
    // An export says nothing of the node's version, nor of counts.
    if (file !== undefined) expect(listed(planTopology(plan, file))).to.have.members(DRIFT);
    const e3 = planTopology(plan, live).find(({ name }) => name === of('e3'));
    expect(e3?.wayOut).to.include('set alternate-exchange by a policy');
    const half = await apply(session, plan);
    expect(half.refused).to.have.length(6);
    expect(half.policies).to.equal(0);
    await cleanUp();
  });

  it('finds nothing to do behind an apply, policies too when that is asked for', async () => {
    const plan = await application();
    const applied = await apply(session, plan, { policies: true });
    expect(applied).to.deep.include({ exchanges: 4, queues: 5, bindings: 2, policies: 2, refused: [] });
    expect(listed(planTopology(plan, await definitions()))).to.eql([]);
    await cleanUp();
  });
});
