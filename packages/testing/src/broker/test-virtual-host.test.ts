import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { HarnessError } from '../errors/harness-error.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { RealSide } from './real-side.js';
import { TestVirtualHost } from './test-virtual-host.js';

describe('a virtual host for one test', () => {
  let server: Server;
  let url: string;
  let asked: { readonly what: string; readonly user: string; readonly body: string }[];
  /** What is refused, by the beginning of the request. */
  let refused: string | undefined;

  beforeEach(async () => {
    [asked, refused] = [[], undefined];
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const what = `${request.method} ${request.url}`;
      const user = Buffer.from(String(request.headers.authorization).slice('Basic '.length), 'base64').toString();
      asked.push({ what, user, body });
      const isRefused = refused !== undefined && what.startsWith(refused);
      response.writeHead(isRefused ? 401 : 204).end(isRefused ? 'not_authorised' : undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  it('is made and removed as the user who will use it', async () => {
    const host = await TestVirtualHost.create(url, 'amqp://shop:p%40ss@broker:5672/prod');
    expect(host.name).to.match(/^leveret-test-[0-9a-f]{12}$/);
    expect(host.amqpUrl).to.equal(`amqp://shop:p%40ss@broker:5672/${host.name}`);
    expect(host.managementUrl).to.equal(url.replace('//', '//shop:p%40ss@'));
    await host.remove();
    expect(asked).to.deep.equal([
      { what: `PUT /api/vhosts/${host.name}`, user: 'shop:p@ss', body: '' },
      { what: `DELETE /api/vhosts/${host.name}`, user: 'shop:p@ss', body: '' },
    ]);
    const other = await TestVirtualHost.create(`${url}/rabbit/`, 'amqp://broker');
    expect(other.name).to.not.equal(host.name);
    expect(asked.at(-1)).to.deep.include({ what: `PUT /rabbit/api/vhosts/${other.name}`, user: 'guest:guest' });
  });

  it('lets the user in where another makes it', async () => {
    const host = await TestVirtualHost.create(url.replace('//', '//admin:secret@'), 'amqp://shop:pass@broker');
    expect(asked.slice(1)).to.deep.equal([
      {
        what: `PUT /api/permissions/${host.name}/shop`,
        user: 'admin:secret',
        body: JSON.stringify({ configure: '.*', write: '.*', read: '.*' }),
      },
    ]);
  });

  it('says what was refused, and leaves none behind to which nobody was let in', async () => {
    refused = 'PUT /api/vhosts';
    const error = (await rejectionOf(TestVirtualHost.create(url, 'amqp://broker'))) as Error;
    expect(error).to.be.instanceOf(HarnessError);
    expect(error.message).to.match(
      /expected the management API to take PUT vhosts\/leveret-test-\w+, received 401: not_authorised/,
    );
    refused = 'PUT /api/permissions';
    asked = [];
    const admin = url.replace('//', '//admin:secret@');
    expect(await rejectionOf(TestVirtualHost.create(admin, 'amqp://broker'))).to.match(/take PUT permissions/);
    expect(asked.map(({ what }) => what.split('/leveret')[0])).to.deep.equal([
      ...['PUT /api/vhosts', 'PUT /api/permissions', 'DELETE /api/vhosts'],
    ]);
  });

  it('says that nobody answers, with the cause', async () => {
    const error = (await rejectionOf(TestVirtualHost.create('http://127.0.0.1:1', 'amqp://broker'))) as Error;
    expect(error).to.be.instanceOf(HarnessError);
    expect(error.message).to.match(/expected the management API to answer PUT vhosts/);
    expect(error.cause).to.be.instanceOf(Error);
  });

  it('is that of a real broker with a management API, until it is closed', async () => {
    const side = await RealSide.start('amqp://broker/prod', url);
    const name = new URL(side.url).pathname.slice(1);
    expect(side.management).to.deep.equal({ url: url.replace('//', '//guest:guest@') });
    await side.close();
    expect(asked.map(({ what }) => what)).to.deep.equal([`PUT /api/vhosts/${name}`, `DELETE /api/vhosts/${name}`]);
  });
});
