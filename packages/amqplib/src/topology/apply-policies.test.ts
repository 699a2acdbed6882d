import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lazyPolicy, type PolicyDeclaration, Problems, topologyOf } from '@leveret/core';
import { type ChannelModel, connect } from 'amqplib';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { eventually } from '../test-support/eventually.js';
import { uniqueName } from '../test-support/test-broker.js';
import { applyPolicies, fitPolicy } from './apply-policies.js';
import type { ResolvedManagementOptions } from './management-client.js';

const policy = (name: string, definition: Record<string, unknown>): PolicyDeclaration => ({
  name,
  pattern: '^lazy-queue$',
  definition,
  applyTo: 'queues',
  priority: 0,
});

describe('fitPolicy', () => {
  it('sends queue-mode to brokers that heed it', () => {
    const lazy = policy('Lazy', { 'queue-mode': 'lazy' });
    expect(fitPolicy(lazy, '3.11.28')).to.deep.equal({ policy: lazy, notice: undefined });
  });

  it('leaves queue-mode out for later ones, and says so', () => {
    const { policy: fitted, notice } = fitPolicy(policy('p', { 'queue-mode': 'lazy', 'message-ttl': 5 }), '3.12.0');
    expect(fitted?.definition).to.deep.equal({ 'message-ttl': 5 });
    expect(notice).to.match(
      /^Policy "p" is applied without queue-mode: RabbitMQ 3\.12\.0 keeps every classic queue on disk/,
    );
  });

  it('applies nothing when nothing is left', () => {
    const { policy: fitted, notice } = fitPolicy(policy('Lazy', { 'queue-mode': 'lazy' }), '4.3.6');
    expect(fitted).to.equal(undefined);
    expect(notice).to.match(/^Policy "Lazy" is not applied, for it only sets queue-mode/);
  });

  it('leaves every other policy as it is', () => {
    const other = policy('ttl', { 'message-ttl': 5 });
    expect(fitPolicy(other, '4.3.6')).to.deep.equal({ policy: other, notice: undefined });
  });
});

describe('applyPolicies', () => {
  let server: Server | undefined;
  const requested: string[] = [];

  async function listen(statusOf: (url: string) => number | undefined): Promise<ResolvedManagementOptions> {
    requested.length = 0;
    const started = createServer((request, response) => {
      requested.push(request.url ?? '');
      const status = statusOf(request.url ?? '');
      if (status === undefined) request.socket.destroy();
      else response.writeHead(status).end('why');
    });
    server = started;
    await new Promise<void>((resolved) => started.listen(0, '127.0.0.1', resolved));
    const url = `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
    return { url, username: 'guest', password: 'guest', vhost: 'v', timeoutMs: 5000 };
  }

  afterEach(async () => {
    const started = server;
    server = undefined;
    if (started === undefined) return;
    started.closeAllConnections();
    await new Promise((resolved) => started.close(resolved));
  });

  const policies = ['a', 'b', 'c'].map((name) => policy(name, { 'message-ttl': 5 }));

  it('goes on after one that is refused', async () => {
    const management = await listen((url) => (url.endsWith('/b') ? 400 : 201));
    const { applied, failures, notices } = await applyPolicies(policies, management, '3.10.8');
    expect(applied).to.deep.equal(['a', 'c']);
    expect(notices).to.deep.equal([]);
    expect(failures.map(({ code }) => code)).to.deep.equal(['LEV_MANAGEMENT_API']);
    expect(failures[0]?.message).to.match(/^Policy "b" was not applied: PUT http.* was refused with status 400: why$/);
  });

  it('stops at the first when there is no answer', async () => {
    const management = await listen((url) => (url.endsWith('/b') ? undefined : 201));
    const { applied, failures } = await applyPolicies(policies, management, '3.10.8');
    expect(applied).to.deep.equal(['a']);
    expect(failures).to.have.length(1);
    expect(requested).not.to.include('/api/policies/v/c');
  });

  it('asks nothing for what this broker does not know any more', async () => {
    const management = await listen(() => 201);
    const report = await applyPolicies([policy('Lazy', { 'queue-mode': 'lazy' })], management, '4.0.5');
    expect(report).to.deep.include({ applied: [], failures: [] });
    expect(report.notices).to.have.length(1);
    expect(requested).to.deep.equal([]);
  });
});

onEachNode('applying policies to a broker', (broker) => {
  let connection: ChannelModel;
  let version: string;
  before(async () => {
    connection = await connect(broker.url);
    version = String(connection.connection.serverProperties.version);
  });
  after(() => connection?.close());

  const management = (): ResolvedManagementOptions => {
    const { origin } = new URL(broker.managementUrl);
    return { url: origin, username: 'guest', password: 'guest', vhost: '/', timeoutMs: 10_000 };
  };
  const ask = async (path: string, method = 'GET'): Promise<Record<string, unknown>> => {
    const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
    const answer = await fetch(`${management().url}/api/${path}`, { method, headers: { authorization } });
    return { status: answer.status, ...(answer.status === 200 ? ((await answer.json()) as object) : {}) };
  };

  it('makes a queue lazy that exists already, and says so again without effect', async () => {
    const [queue, name] = [uniqueName('lazy'), uniqueName('policy')];
    const { policies } = topologyOf({ policies: [lazyPolicy(`^${queue}$`, name)] }, new Problems());
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: true });
    const first = await applyPolicies(policies, management(), version);
    const second = await applyPolicies(policies, management(), version);
    expect(second).to.deep.equal(first);
    expect(first.failures).to.deep.equal([]);
    if (broker.version === '3.10') {
      expect(first.applied).to.deep.equal([name]);
      expect(await ask(`policies/%2F/${name}`)).to.deep.include({
        vhost: '/',
        pattern: `^${queue}$`,
        'apply-to': 'queues',
        priority: 0,
        definition: { 'queue-mode': 'lazy' },
      });
      await eventually('the policy on the queue', async () => (await ask(`queues/%2F/${queue}`))['policy'] === name);
    } else {
      expect(first.applied).to.deep.equal([]);
      expect(first.notices).to.have.length(1);
      expect(await ask(`policies/%2F/${name}`)).to.include({ status: 404 });
    }
    await ask(`policies/%2F/${name}`, 'DELETE');
    await channel.deleteQueue(queue);
  });

  it('reports what the broker says to a policy that it does not know', async () => {
    const unknown = policy('odd', { 'no-such-key': 1 });
    const { applied, failures } = await applyPolicies([unknown], management(), version);
    expect(applied).to.deep.equal([]);
    expect(failures[0]?.message).to.match(/^Policy "odd" was not applied: .* status 400: .*no-such-key/);
  });

  it('reports a password that is refused', async () => {
    const wrong = { ...management(), password: 'wrong' };
    const { failures } = await applyPolicies([policy('p', { 'message-ttl': 5 })], wrong, version);
    expect(failures[0]?.message).to.match(/status 401.*Check the password of user "guest"/);
  });
});
