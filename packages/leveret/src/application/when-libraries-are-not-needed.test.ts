import { expect } from 'chai';
import { describe, it } from 'mocha';
import { runProgram } from '../test-support/run-program.js';

const LIBRARIES = ['class-transformer', 'class-validator', 'croner', 'inversify', 'reflect-metadata'];

/** Says which of them are loaded, however that came about. */
const PRELUDE = `
  import { createRequire } from 'node:module';
  const { cache } = createRequire(import.meta.url);
  const loaded = () => ${JSON.stringify(LIBRARIES)}.filter((name) =>
    Object.keys(cache).some((path) => path.includes('/node_modules/' + name + '/')));
  const say = (when) => console.log(when + ': ' + loaded().join());
  const { Leveret, listener, schedule, validatePayload } = await import('leveret');
  const { inspectPayload } = await import('leveret/adapters');
  const { FakeTransport, until } = await import('./dist/test-support/fake-transport.js');
  async function run(options) {
    const transport = new FakeTransport();
    const app = await Leveret.start({ transport, logger: 'silent', ...options });
    return { app, transport };
  }
  class Order {}
  say('imported');
`;

/** What a program printed, by line; of what is loaded by `import` alone its hooks tell. */
async function printed(code: string): Promise<readonly string[]> {
  const output = await runProgram(`${PRELUDE}${code}`, { watched: LIBRARIES });
  return output.trim().split('\n');
}

describe('when libraries are not needed', function () {
  this.timeout(60_000);

  it('loads none of them to handle and to publish JSON', async () => {
    const lines = await printed(`
      const { app, transport } = await run({ listeners: [listener({ queue: 'orders', payload: Object }, (order) => { order.id })] });
      transport.deliver('orders', { id: 7 });
      await until('settled', () => transport.settled.length > 0);
      await app.publisher.sendToQueue('orders', { id: 8, order: new Order() });
      say(transport.settled.join());
      await app.close();`);
    expect(lines).to.deep.equal(['imported: ', 'ack 1:']);
  });

  it('loads class-validator for nobody who calls none of its decorators', async () => {
    const lines = await printed(`
      const { app, transport } = await run({ listeners: [listener({ queue: 'orders', payload: Order }, () => {})] });
      transport.deliver('orders', { id: 7 });
      await until('settled', () => transport.settled.length > 0);
      validatePayload(new Order());
      validatePayload({ id: 7 }, Order);
      say([transport.settled, inspectPayload(Order).compiled].join());
      await app.close();`);
    expect(lines.at(-1)).to.equal('ack 1,true: class-transformer');
  });

  it('loads them when they are asked for, before an application was started, too', async () => {
    const lines = await printed(`
      const { IsInt } = await import('class-validator');
      IsInt()(Order.prototype, 'id');
      try { validatePayload({ id: '7' }, Order); } catch (error) { console.log(error.violations[0].message); }
      say(inspectPayload(Order).compiled);`);
    expect(lines.slice(-2)).to.deep.equal(['id must be an integer number', 'true: class-transformer,class-validator']);
  });

  it('writes by rules of decorators that are called after the start', async () => {
    const lines = await printed(`
      const { app, transport } = await run({});
      const { Exclude } = await import('class-transformer');
      Exclude()(Order.prototype, 'secret');
      await app.publisher.sendToQueue('orders', Object.assign(new Order(), { id: 8, secret: 's' }));
      console.log(transport.published[0].body.toString());
      await app.close();`);
    expect(lines.at(-1)).to.equal('{"id":8}');
  });

  it('writes by rules when hooks load what is imported otherwise than what is required', async () => {
    const hooks = `
      import { readFileSync } from 'node:fs';
      export async function load(url, context, next) {
        const loaded = await next(url, context);
        if (loaded.format !== 'commonjs' || !url.startsWith('file:')) return loaded;
        return { ...loaded, source: readFileSync(new URL(url)) };
      }`;
    const output = await runProgram(`
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
      const { Leveret } = await import('leveret');
      const { Exclude } = await import('class-transformer');
      const { FakeTransport } = await import('./dist/test-support/fake-transport.js');
      class Order {}
      Exclude()(Order.prototype, 'secret');
      const transport = new FakeTransport();
      const app = await Leveret.start({ transport, logger: 'silent' });
      await app.publisher.sendToQueue('orders', Object.assign(new Order(), { id: 8, secret: 's' }));
      console.log(transport.published[0].body.toString());
      await app.close();`);
    expect(output).to.equal('{"id":8}\n');
  });

  it('loads croner for schedules', async () => {
    const lines = await printed(`
      const { app } = await run({ schedules: [schedule({ id: 'nightly', cron: '0 3 * * *' }, () => {})] });
      console.log(app.schedules.get('nightly') === undefined);
      await app.close();`);
    expect(lines).to.include('loads croner');
  });
});
