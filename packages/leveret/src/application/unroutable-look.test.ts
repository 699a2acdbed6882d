import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { UnroutableLook } from './unroutable-look.js';

describe('UnroutableLook', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  async function setUp(status: number, answer: unknown) {
    let asked = 0;
    server = createServer((_request, response) => {
      asked++;
      response.writeHead(status).end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const lines: string[] = [];
    const line = (level: string) => (_fields: object, text: string) => void lines.push(`${level}: ${text}`);
    const logger: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const management = { url, username: 'guest', password: 'guest', vhost: '/', timeoutMs: 5_000 };
    const look = new UnroutableLook(management, logger, new FakeClock());
    return { look: (exchange: string) => look.look({ exchange, routingKey: 'k' } as never), lines, asked: () => asked };
  }

  it('writes with which keys the exchange is bound, once for an exchange and a key', async () => {
    const { look, lines, asked } = await setUp(200, [{ routing_key: 'pay.success' }]);
    await look('pay');
    await look('pay');
    await look('');
    expect([lines, asked()]).to.deep.equal([
      ["warn: a message had no queue: the management API says of its exchange that it is bound with 'pay.success'"],
      1,
    ]);
  });

  it('says that nothing is bound, and little when the API does not answer', async () => {
    const bare = await setUp(200, []);
    await bare.look('pay');
    expect(bare.lines[0]).to.match(/nothing is bound to it$/);
    server?.close();
    const refused = await setUp(401, {});
    await refused.look('pay');
    expect(refused.lines).to.deep.equal(['debug: the management API does not say how it is bound']);
  });
});
