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

  it('loads none of them to import leveret, and only what publishing may ask for to handle JSON', async () => {
    const lines = await printed(`
      const { app, transport } = await run({ listeners: [listener({ queue: 'orders', payload: Object }, (order) => { order.id })] });
      transport.deliver('orders', { id: 7 });
      await until('settled', () => transport.settled.length > 0);
      say(transport.settled.join());
      await app.close();`);
    expect(lines).to.deep.equal(['imported: ', 'loads class-transformer', 'ack 1: class-transformer']);
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

  it('loads croner for schedules', async () => {
    const lines = await printed(`
      const { app } = await run({ schedules: [schedule({ id: 'nightly', cron: '0 3 * * *' }, () => {})] });
      console.log(app.schedules.get('nightly') === undefined);
      await app.close();`);
    expect(lines).to.include('loads croner');
  });
});
