import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Problems } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import type { HostTarget } from '../connection/host-target.js';
import {
  ManagementApiError,
  ManagementClient,
  type ManagementOptions,
  type ResolvedManagementOptions,
  resolveManagementOptions,
} from './management-client.js';

const host = (more: Partial<HostTarget> = {}): HostTarget => ({
  hostname: 'broker.example',
  port: 5672,
  tls: false,
  username: 'shop',
  password: 'secret',
  vhost: 'orders',
  label: 'broker.example:5672',
  ...more,
});

function resolve(
  options: unknown,
  target = host(),
): { resolved: ResolvedManagementOptions; faults: readonly string[] } {
  const problems = new Problems();
  const resolved = resolveManagementOptions(options as ManagementOptions, { hosts: [target] }, problems);
  return { resolved, faults: problems.list };
}

describe('resolveManagementOptions', () => {
  it('takes everything from the AMQP connection', () => {
    expect(resolve(undefined).resolved).to.deep.equal({
      url: 'http://broker.example:15672',
      username: 'shop',
      password: 'secret',
      vhost: 'orders',
      timeoutMs: 10_000,
    });
    expect(resolve({}, host({ tls: true, hostname: '::1' })).resolved.url).to.equal('https://[::1]:15671');
  });

  it('asks whom the AMQP connection asks, unless a user is named here', () => {
    const credentials = () => ({ username: 'shop', password: 'rotated' });
    const ask = (options: object) =>
      resolveManagementOptions(options, { hosts: [host()], credentials }, new Problems()).credentials;
    expect(ask({})).to.equal(credentials);
    expect(ask({ url: 'http://mgmt.example' })).to.equal(credentials);
    expect(ask({ url: 'http://admin:p@mgmt.example' })).to.equal(undefined);
    expect(ask({ username: 'admin', password: 'p' })).to.equal(undefined);
  });

  it('takes the user from the URL, and from the options before that', () => {
    const url = 'https://admin:p%40ss@mgmt.example:8443/rabbit/';
    expect(resolve({ url, timeout: '2s' }).resolved).to.include({
      url: 'https://mgmt.example:8443/rabbit',
      username: 'admin',
      password: 'p@ss',
      timeoutMs: 2000,
    });
    expect(resolve({ url, username: 'other', password: '' }).resolved).to.include({ username: 'other', password: '' });
  });

  const faulty: readonly (readonly [unknown, RegExp])[] = [
    ['http://localhost', /^management: must be an object of options; got "http/],
    [{ uri: 'x' }, /unknown option "uri"\. Did you mean "url"\? Known are: url/],
    [{ url: 5 }, /url must be a URL such as http:\/\/localhost:15672; got 5/],
    [{ url: 'amqp://user:secret@host' }, /^(?!.*secret).*url must be a URL/],
    [{ url: 'http://u%zz:p@host' }, /malformed % sequence/],
    [{ username: 5 }, /username must be a text; got 5/],
    [{ timeout: 0 }, /timeout must be more than 0 ms/],
    [{ timeout: 'soon' }, /timeout must be milliseconds/],
  ];
  for (const [options, text] of faulty) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const { faults } = resolve(options);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(text);
    });
  }
});

describe('ManagementClient', () => {
  const policy = {
    name: 'a/b c',
    pattern: '^q$',
    definition: { 'queue-mode': 'lazy' },
    applyTo: 'queues',
    priority: 3,
  } as const;
  let server: Server | undefined;

  async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    const started = createServer(answer);
    server = started;
    await new Promise<void>((resolved) => started.listen(0, '127.0.0.1', resolved));
    return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
  }

  afterEach(async () => {
    const started = server;
    server = undefined;
    if (started === undefined) return;
    started.closeAllConnections();
    await new Promise((resolved) => started.close(resolved));
  });

  const clientOf = (url: string, timeoutMs = 5000) =>
    new ManagementClient({ url, username: 'shop', password: 'sé:cret', vhost: '/', timeoutMs });

  async function failureOf(work: Promise<void>): Promise<ManagementApiError> {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(ManagementApiError);
    return error as ManagementApiError;
  }

  it('asks for the password of each request when there is somebody to ask', async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(204).end();
    });
    let password = 'first';
    const credentials = () => ({ username: 'shop', password });
    const client = new ManagementClient({
      url,
      username: 'x',
      password: 'x',
      credentials,
      vhost: '/',
      timeoutMs: 5000,
    });
    await client.putPolicy(policy);
    password = 'second';
    await client.putPolicy(policy);
    const basic = (user: string) => `Basic ${Buffer.from(user).toString('base64')}`;
    expect(seen).to.deep.equal([basic('shop:first'), basic('shop:second')]);
  });

  it('asks with which keys an exchange is bound', async () => {
    const seen: unknown[] = [];
    const url = await listen((request, response) => {
      seen.push(request.method, request.url);
      const keys = seen.length === 2 ? ['a', 'b', 'a'].map((key) => ({ routing_key: key })) : 'odd';
      response.writeHead(200).end(JSON.stringify(keys === 'odd' ? [null, { routing_key: 5 }] : keys));
    });
    expect(await clientOf(url).routingKeysOf('pay/direct')).to.deep.equal(['a', 'b']);
    expect(seen).to.deep.equal(['GET', '/api/exchanges/%2F/pay%2Fdirect/bindings/source']);
    expect(await clientOf(url).routingKeysOf('x')).to.deep.equal([]);
  });

  it('puts a policy under its virtual host and name, as the user given', async () => {
    let seen:
      | { method: string | undefined; url: string | undefined; authorization: string | undefined; body: string }
      | undefined;
    const url = await listen((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        seen = { method: request.method, url: request.url, authorization: request.headers.authorization, body };
        response.writeHead(204).end();
      });
    });
    await clientOf(url).putPolicy(policy);
    expect(seen?.method).to.equal('PUT');
    expect(seen?.url).to.equal('/api/policies/%2F/a%2Fb%20c');
    expect(seen?.authorization).to.equal(`Basic ${Buffer.from('shop:sé:cret').toString('base64')}`);
    expect(JSON.parse(seen?.body ?? '')).to.deep.equal({
      pattern: '^q$',
      definition: { 'queue-mode': 'lazy' },
      'apply-to': 'queues',
      priority: 3,
    });
  });

  it('says status and answer when it is refused, and never the password', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(400).end('{"error":"bad_request","reason":"not a policy"}');
    });
    const error = await failureOf(clientOf(url).putPolicy(policy));
    expect(error).to.include({ code: 'LEV_MANAGEMENT_API', status: 400 });
    expect(error.body).to.match(/not a policy/);
    expect(error.message).to.match(/^PUT http.* was refused with status 400: \{"error".*not a policy/);
    expect(error.message).not.to.match(/cret/);
  });

  const basic = Buffer.from('shop:sé:cret').toString('base64');
  const echoes: readonly [string, string][] = [
    ['as it came', `PUT /api HTTP/1.1\r\nauthorization: Basic ${basic}\r\naccept: */*`],
    ['as JSON', JSON.stringify({ headers: { Authorization: `Basic ${basic}` }, user: 'shop', password: 'sé:cret' })],
    ['without its padding', `Authorization=Basic ${basic.replace(/=+$/, '')}`],
    ['cut', `you sent Basic ${basic.slice(0, 12)}`],
    ['decoded', 'you are shop:sé:cret'],
    ['as a part of an address', `http://shop:${encodeURIComponent('sé:cret')}@broker/`],
    ['as HTML', `<td>Authorization</td><td>Basic ${basic}</td>`],
  ];
  for (const [how, echo] of echoes) {
    it(`shows nothing of an answer that echoes the password: ${how}`, async () => {
      const url = await listen((_request, response) => response.writeHead(400).end(`bad request: ${echo}`));
      const error = await failureOf(clientOf(url).putPolicy(policy));
      for (const text of [error.message, error.body, String(error.cause ?? '')]) {
        expect(text).to.not.contain('cret').and.not.contain(basic.slice(0, 12)).and.not.contain('%3Acret');
      }
      expect(error.message).to.contain('bad request: ').and.contain('***');
    });
  }

  it('leaves alone what only looks like one', async () => {
    const text = 'basic authentication is off; Bearer tokens are off';
    const url = await listen((_request, response) => response.writeHead(400).end(text));
    expect((await failureOf(clientOf(url).putPolicy(policy))).body).to.equal(text);
  });

  it('says what to look at for a user without rights and an unknown virtual host', async () => {
    let status = 401;
    const url = await listen((_request, response) => response.writeHead(status).end('x'.repeat(2000)));
    const refused = await failureOf(clientOf(url).putPolicy(policy));
    expect(refused.message).to.match(
      /x{500}\.\.\.\. Check the password of user "shop" and that it has the tag policymaker$/,
    );
    status = 403;
    expect((await failureOf(clientOf(url).putPolicy(policy))).message).to.match(/needs the tag policymaker/);
    status = 404;
    expect((await failureOf(clientOf(url).putPolicy(policy))).message).to.match(/Check the virtual host/);
  });

  it('does not follow redirects, which could lead the password elsewhere', async () => {
    let requests = 0;
    const url = await listen((_request, response) => {
      requests += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const error = await failureOf(clientOf(url).putPolicy(policy));
    expect(error.status).to.equal(307);
    expect(requests).to.equal(1);
  });

  it('gives up when nobody answers in time', async () => {
    const url = await listen(() => {});
    const error = await failureOf(clientOf(url, 50).putPolicy(policy));
    expect(error.status).to.equal(undefined);
    expect(error.message).to.match(/got no answer within 50 ms\. Is the plugin rabbitmq_management enabled/);
  });

  it('gives up when an answer begins and does not end', async () => {
    const url = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('x');
    });
    expect((await failureOf(clientOf(url, 50).putPolicy(policy))).message).to.match(/got no answer within 50 ms/);
  });

  it('says why nobody could be reached', async () => {
    const url = await listen(() => {});
    await new Promise((resolved) => server?.close(resolved));
    server = undefined;
    const error = await failureOf(clientOf(url).putPolicy(policy));
    expect(error.message).to.match(/failed: .*ECONNREFUSED/);
    expect(error.cause).to.be.instanceOf(Error);
  });
});
