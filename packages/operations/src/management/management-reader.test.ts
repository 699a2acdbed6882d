import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManagementApiError } from '@leveret/amqplib';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { HandClock } from '../test-support/hand-clock.js';
import { ManagementReader } from './management-reader.js';

describe('ManagementReader', () => {
  let server: Server;
  let asked: IncomingMessage[];
  let answer: (response: ServerResponse, request: IncomingMessage) => void;
  let reader: ManagementReader;
  let url: string;

  beforeEach(async () => {
    asked = [];
    answer = (response) => response.end('[]');
    server = createServer((request, response) => {
      asked.push(request);
      answer(response, request);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const options = { url, username: 'u', password: 'p:ä', vhost: 'a/b', timeoutMs: 2_000 };
    reader = new ManagementReader(options as never);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('it answered'),
      (error: unknown) => error as ManagementApiError,
    );

  it('asks as its user, about its virtual host', async () => {
    await reader.queues();
    await reader.exchanges();
    await reader.bindings();
    await reader.policies();
    await reader.consumers();
    await reader.queueActivities();
    expect(asked.map((request) => request.url)).to.deep.equal([
      '/api/queues/a%2Fb',
      '/api/exchanges/a%2Fb',
      '/api/bindings/a%2Fb',
      '/api/policies/a%2Fb',
      '/api/consumers/a%2Fb',
      '/api/queues/a%2Fb',
    ]);
    const credentials = Buffer.from('u:p:ä').toString('base64');
    expect(asked[0]?.headers.authorization).to.equal(`Basic ${credentials}`);
    expect([reader.vhost, reader.url, reader.username]).to.deep.equal(['a/b', url, 'u']);
  });

  it('takes the objects of a list, and nothing else for one', async () => {
    answer = (response) => response.end('[{"name":"q"}, null, 5]');
    expect(await reader.list('/api/x')).to.deep.equal([{ name: 'q' }]);
    answer = (response) => response.end('{"name":"q"}');
    expect(await reader.list('/api/x')).to.deep.equal([]);
  });

  it('leaves out bindings of the default exchange', async () => {
    const bindings = [
      { source: '', destination: 'q' },
      { source: 'ex', destination: 'q' },
    ];
    answer = (response) => response.end(JSON.stringify(bindings));
    expect((await reader.bindings()).map(({ source }) => source)).to.deep.equal(['ex']);
  });

  it('asks for one queue by its name', async () => {
    answer = (response) => response.end('{"consumers":2,"messages_unacknowledged":3}');
    expect(await reader.queueCounts('a b')).to.include({ consumers: 2, unacked: 3 });
    expect(asked[0]?.url).to.equal('/api/queues/a%2Fb/a%20b');
    answer = (response) => response.end('null');
    expect(await reader.queueCounts('q')).to.include({ consumers: undefined, unacked: undefined });
  });

  for (const [status, hint] of [
    [401, 'check the user and the password'],
    [403, 'needs access to the virtual host'],
    [404, 'check the virtual host'],
    [500, 'refused with status 500'],
    [302, 'refused with status 302'],
  ] as const) {
    it(`says what ${status} means, and follows no one`, async () => {
      answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end('{}');
      const error = await failure(reader.get('/api/overview'));
      expect(error).to.be.instanceOf(ManagementApiError).and.to.include({ status });
      expect(error.message).to.contain(`GET ${url}/api/overview was refused with status ${status}`).and.contain(hint);
      expect(asked).to.have.lengthOf(1);
    });
  }

  it('says that an answer is no JSON', async () => {
    answer = (response) => response.end('<html>');
    const error = await failure(reader.get('/'));
    expect(error).to.be.instanceOf(ManagementApiError).and.to.include({ status: 200 });
    expect(error.message).to.contain('did not answer JSON: is it RabbitMQ?');
    expect(error.cause).to.be.instanceOf(SyntaxError);
  });

  it('gives up in time, also in the middle of an answer', async () => {
    const hasty = new ManagementReader({ url, username: 'u', password: 'p', vhost: '/', timeoutMs: 30 } as never);
    for (const begin of [false, true]) {
      answer = (response) => void (begin && response.write('['));
      const error = await failure(hasty.get('/api/x'));
      expect(error).to.be.instanceOf(ManagementApiError).and.to.include({ status: undefined });
      expect(error.message).to.contain('got no answer within 30 ms');
    }
  });

  it('says that nobody listens', async () => {
    const nobody = new ManagementReader({
      url: 'http://127.0.0.1:1',
      username: 'u',
      password: 'p',
      vhost: '/',
      timeoutMs: 2_000,
    } as never);
    const error = await failure(nobody.get('/api/x'));
    expect(error.message).to.contain('failed: ').and.contain('Is the plugin rabbitmq_management enabled');
  });

  it('knows how much later the clock of the broker is, to the second', async () => {
    const clock = new HandClock();
    clock.ms = 1_000_000;
    answer = (response) => {
      clock.ms += 200;
      response.setHeader('date', new Date(1_005_000).toUTCString());
      response.end('{}');
    };
    expect(await reader.clockAheadMs(clock)).to.equal(5_400);
    answer = (response) => {
      response.sendDate = false;
      response.end('{}');
    };
    expect(await reader.clockAheadMs(clock)).to.equal(undefined);
  });
});
