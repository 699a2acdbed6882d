import { connect } from 'node:net';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, table } from '../testing/raw-client.support.test.js';
import { Situation } from '../testing/situation.support.test.js';

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes, and compared whole
  readonly body: any;
}

async function api(situation: Situation, method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const { origin } = new URL(situation.broker.managementUrl ?? '');
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? '' : JSON.parse(text) };
}

describe('when managed over HTTP', () => {
  it('asks for a password', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const { status, body } = await api(situation, 'GET', 'overview', undefined, { authorization: 'Basic bm86bm8=' });
    expect([status, body.error]).to.deep.equal([401, 'not_authorised']);
  });

  it('shows what is there', async () => {
    await using situation = await Situation.start({ managementPort: 0, version: '3.10' });
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q', durable: true, arguments: table({ 'x-max-length': 5 }) });
    client.send(1, 'queue.bind', { queue: 'q', exchange: 'amq.topic', routingKey: 'a.#' });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    client.publish(1, '', 'q', 'm');
    await client.settle();
    const overview = (await api(situation, 'GET', 'overview')).body;
    expect([overview.rabbitmq_version, overview.object_totals.queues, overview.queue_totals.messages]).to.deep.equal([
      '3.10.8',
      1,
      1,
    ]);
    const queue = (await api(situation, 'GET', 'queues/%2F/q')).body;
    expect([queue.messages_unacknowledged, queue.consumers, queue.arguments]).to.deep.equal([
      1,
      1,
      { 'x-max-length': 5 },
    ]);
    expect((await api(situation, 'GET', 'queues/%2F/q/bindings')).body).to.have.length(2);
    expect((await api(situation, 'GET', 'exchanges/%2F/amq.topic')).body.type).to.equal('topic');
    expect((await api(situation, 'GET', 'consumers')).body[0].consumer_tag).to.equal('t');
    expect((await api(situation, 'GET', 'channels')).body[0].messages_unacknowledged).to.equal(1);
    expect((await api(situation, 'GET', 'queues/%2F/nope')).body).to.deep.equal({
      error: 'Object Not Found',
      reason: 'Not Found',
    });
    expect((await api(situation, 'GET', 'nope')).status).to.equal(404);
    expect((await api(situation, 'PUT', 'overview')).status).to.equal(405);
  });

  it('declares, binds, publishes, gets and deletes', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    expect((await api(situation, 'PUT', 'exchanges/%2F/x', { type: 'direct' })).status).to.equal(201);
    expect((await api(situation, 'PUT', 'queues/%2F/q', { arguments: { 'x-max-length': 9 } })).status).to.equal(201);
    expect((await api(situation, 'PUT', 'queues/%2F/q', { arguments: { 'x-max-length': 9 } })).status).to.equal(204);
    const different = await api(situation, 'PUT', 'queues/%2F/q', {});
    expect([different.status, different.body.error]).to.deep.equal([400, 'bad_request']);
    expect((await api(situation, 'POST', 'bindings/%2F/e/x/q/q', { routing_key: 'k' })).status).to.equal(201);
    const message = {
      routing_key: 'k',
      payload: 'hello',
      payload_encoding: 'string',
      properties: { headers: { a: 1 } },
    };
    expect((await api(situation, 'POST', 'exchanges/%2F/x/publish', message)).body).to.deep.equal({ routed: true });
    const lost = { ...message, routing_key: 'zz' };
    expect((await api(situation, 'POST', 'exchanges/%2F/x/publish', lost)).body).to.deep.equal({ routed: false });
    const get = { count: 5, ackmode: 'ack_requeue_false', encoding: 'auto' };
    expect((await api(situation, 'POST', 'queues/%2F/q/get', get)).body).to.deep.equal([
      {
        payload_bytes: 5,
        redelivered: false,
        exchange: 'x',
        routing_key: 'k',
        message_count: 0,
        properties: { headers: { a: 1 } },
        payload: 'hello',
        payload_encoding: 'string',
      },
    ]);
    const [binding] = (await api(situation, 'GET', 'bindings/%2F/e/x/q/q')).body;
    expect((await api(situation, 'DELETE', `bindings/%2F/e/x/q/q/${binding.properties_key}`)).status).to.equal(204);
    expect((await api(situation, 'DELETE', 'queues/%2F/q/contents')).status).to.equal(204);
    expect((await api(situation, 'DELETE', 'queues/%2F/q')).status).to.equal(204);
    expect((await api(situation, 'DELETE', 'exchanges/%2F/x')).status).to.equal(204);
    expect(situation.broker.queues()).to.deep.equal([]);
  });

  it('sets policies, and refuses bad ones as RabbitMQ does', async () => {
    for (const [version, reason] of [
      ['3.10', 'Validation failed\n\n&lt;&lt;"x"&gt;&gt; is not a valid message TTL\n'],
      ['4.3', 'Validation failed\n\n<<"x">> is not a valid message TTL\n'],
    ] as const) {
      await using situation = await Situation.start({ managementPort: 0, version });
      const client = await situation.client();
      client.send(1, 'queue.declare', { queue: 'q' });
      await client.settle();
      const policy = { pattern: '^q', definition: { 'max-length': 1 }, priority: 2, 'apply-to': 'queues' };
      expect((await api(situation, 'PUT', 'policies/%2F/p', policy)).status).to.equal(201);
      expect((await api(situation, 'GET', 'policies/%2F/p')).body).to.deep.equal({ vhost: '/', name: 'p', ...policy });
      expect(situation.broker.queue('q')?.policy).to.equal('p');
      const shown = async () => (await api(situation, 'GET', 'queues/%2F/q')).body;
      expect(await shown()).to.deep.include({ policy: 'p', effective_policy_definition: { 'max-length': 1 } });
      const bad = await api(situation, 'PUT', 'policies/%2F/p', { pattern: '.*', definition: { 'message-ttl': 'x' } });
      expect(bad).to.deep.equal({ status: 400, body: { error: 'bad_request', reason } });
      expect((await api(situation, 'DELETE', 'policies/%2F/p')).status).to.equal(204);
      expect(situation.broker.queue('q')?.policy).to.equal(undefined);
      const none = { policy: null, operator_policy: null, effective_policy_definition: {} };
      expect(await shown()).to.deep.include(none);
    }
  });

  it('closes connections with a reason', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const client = await situation.client();
    const [connection] = (await api(situation, 'GET', 'connections')).body;
    const path = `connections/${encodeURIComponent(connection.name)}`;
    expect((await api(situation, 'DELETE', path, undefined, { 'x-reason': 'because' })).status).to.equal(204);
    expect(describeSeen(await client.next())).to.equal('0 connection.close 320 CONNECTION_FORCED - because (0,0)');
  });

  it('creates and deletes virtual hosts', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    expect((await api(situation, 'PUT', 'vhosts/new')).status).to.equal(201);
    const client = await situation.client({ vhost: 'new' });
    client.send(1, 'queue.declare', { queue: 'q' });
    expect((await client.next()).name).to.equal('queue.declare-ok');
    expect((await api(situation, 'DELETE', 'vhosts/new')).status).to.equal(204);
    expect((await client.next()).name).to.equal('connection.close');
    expect((await api(situation, 'GET', 'vhosts/new')).status).to.equal(404);
  });

  it('tells of its health', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    expect((await api(situation, 'GET', 'health/checks/alarms')).status).to.equal(200);
    situation.broker.faults.block();
    expect((await api(situation, 'GET', 'health/checks/alarms')).status).to.equal(503);
    expect((await api(situation, 'GET', `health/checks/port-listener/${situation.broker.port}`)).status).to.equal(200);
    expect((await api(situation, 'GET', 'aliveness-test/%2F')).body).to.deep.equal({ status: 'ok' });
  });

  it('refuses what is no JSON', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    expect((await api(situation, 'PUT', 'queues/%2F/q', [])).body.reason).to.equal('not_json');
  });
});

describe('when strangers ask the management API', () => {
  /** A request as bytes, so that nothing of it is put right on the way; the answer's status and body. */
  async function raw(situation: Situation, head: readonly string[], body = ''): Promise<[number, string]> {
    const { port } = new URL(situation.broker.managementUrl ?? '');
    const socket = connect(Number(port), '127.0.0.1');
    const [request = '', ...headers] = head;
    const all = [request, 'connection: close', `content-length: ${Buffer.byteLength(body)}`, ...headers];
    socket.end(`${all.join('\r\n')}\r\n\r\n${body}`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return [Number(answer.split(' ')[1]), answer.slice(answer.indexOf('\r\n\r\n') + 4)];
  }
  const AUTH = `authorization: Basic ${Buffer.from('guest:guest').toString('base64')}`;

  it('tells administrators what users may do', async () => {
    const clerk = { name: 'clerk', password: 'clerk', permissions: { '/': { configure: '', write: '^in\\.' } } };
    const guest = { name: 'guest', password: 'guest', tags: ['administrator'] };
    await using situation = await Situation.start({ managementPort: 0, users: [guest, clerk] });
    const ask = (path: string, headers = {}) => api(situation, 'GET', `permissions/${path}`, undefined, headers);
    const allowed = { user: 'clerk', vhost: '/', configure: '^$', write: '^in\\.', read: '.*' };
    expect(await ask('%2F/clerk')).to.deep.equal({ status: 200, body: allowed });
    expect((await ask('%2F/nobody')).status).to.equal(404);
    expect((await ask('elsewhere/clerk')).status).to.equal(404);
    const authorization = `Basic ${Buffer.from('clerk:clerk').toString('base64')}`;
    expect((await ask('%2F/clerk', { authorization })).status).to.equal(401);
  });

  it('answers to addresses and known names only, against DNS rebinding', async () => {
    await using situation = await Situation.start({ managementPort: 0, managementHosts: ['broker.test'] });
    const ask = async (host: string): Promise<number> =>
      (await raw(situation, ['GET /api/whoami HTTP/1.0', `host: ${host}`, AUTH]))[0];
    for (const host of ['127.0.0.1', '127.0.0.1:1', 'localhost', 'LOCALHOST:15672', '[::1]:9', 'Broker.test:80']) {
      expect(await ask(host), host).to.equal(200);
    }
    for (const host of ['evil.example', 'localhost.evil.example:80', 'broker.test.evil', '127.0.0.1.evil:1', 'a b']) {
      expect(await ask(host), host).to.equal(421);
    }
  });

  it('takes a body only where it says that it is JSON', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const put = (type: string): Promise<[number, string]> =>
      raw(situation, ['PUT /api/queues/%2F/q HTTP/1.0', 'host: localhost', AUTH, type], '{}');
    expect((await put('content-type: text/plain'))[0]).to.equal(415);
    expect((await put('x-nothing: 1'))[0]).to.equal(415);
    expect((await put('content-type: application/jsonp'))[0]).to.equal(415);
    expect((await put('content-type: application/json; charset=utf-8'))[0]).to.equal(201);
  });

  it('answers 400 to paths that are none', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    for (const path of ['//', '//api/overview', '/api/queues/%ff', 'http://[', `/api/queues/%2F/${'q'.repeat(300)}`]) {
      const [status, body] = await raw(situation, [`GET ${path} HTTP/1.0`, 'host: localhost', AUTH]);
      expect([path, status, JSON.parse(body).error]).to.deep.equal([path, 400, 'bad_request']);
    }
  });

  it('answers 400 to JSON that means nothing, and lives on', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    const put = async (path: string, body: string): Promise<[number, string]> =>
      raw(situation, [`PUT /api/${path} HTTP/1.0`, 'host: localhost', AUTH, 'content-type: application/json'], body);
    for (const args of [deep, '{"x-max-length":1e300}', '{"a":-1e19}', '{"a":1e999}', `{"${'k'.repeat(300)}":1}`]) {
      expect((await put('queues/%2F/q', `{"arguments":${args}}`))[0], args.slice(0, 30)).to.equal(400);
    }
    expect((await put('policies/%2F/p', `{"pattern":"a","definition":{"ha-params":${deep}}}`))[0]).to.equal(400);
    expect((await put('queues/%2F/q', '{"arguments":{"a":1e300'))[0]).to.equal(400);
    expect((await put('queues/%2F/q', '{"arguments":{"a":1e17,"b":[1.5,null]}}'))[0]).to.equal(201);
  });

  it('answers 400 to properties that no frame has room for', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    for (const properties of [
      { priority: 256 },
      { priority: 1e300 },
      { delivery_mode: -1 },
      { timestamp: 1e300 },
      { message_id: 'm'.repeat(256) },
      { headers: { n: 1e300 } },
      { headers: { ['k'.repeat(256)]: 1 } },
    ]) {
      const body = { routing_key: 'q', payload: 'm', payload_encoding: 'string', properties };
      const { status } = await api(situation, 'POST', 'exchanges/%2F/amq.default/publish', body);
      expect(status, JSON.stringify(properties).slice(0, 60)).to.equal(400);
    }
  });

  it('gives up a pattern that takes too long, and goes on', async () => {
    await using situation = await Situation.start({ managementPort: 0 });
    const client = await situation.client();
    const name = `${'a'.repeat(60)}!`;
    const pattern = '^(a+)+$';
    client.send(1, 'queue.declare', { queue: name });
    await client.settle();
    const refused = await api(situation, 'PUT', 'policies/%2F/slow', { pattern, definition: { 'max-length': 1 } });
    expect([refused.status, refused.body.reason]).to.deep.equal([
      400,
      'Validation failed\n\npattern takes too long to look for: simplify what it repeats\n',
    ]);
    expect((await api(situation, 'GET', 'policies')).body).to.deep.equal([]);
    await client.call(1, 'queue.delete', { queue: name });
    expect(
      (await api(situation, 'PUT', 'policies/%2F/slow', { pattern, definition: { 'max-length': 1 } })).status,
    ).to.equal(201);
    const startedAt = performance.now();
    for (let i = 0; i < 20; i++) await client.call(1, 'queue.declare', { queue: `${name}${i}` });
    expect(performance.now() - startedAt).to.be.below(10_000);
    expect(situation.broker.queue(`${name}1`)?.policy).to.equal(undefined);
  }).timeout(20_000);
});
