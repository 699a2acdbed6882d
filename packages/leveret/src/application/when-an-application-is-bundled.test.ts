import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from 'esbuild';
import { describe, it } from 'mocha';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

const APPLICATION = `
  import 'reflect-metadata';
  import { Exclude, Type } from 'class-transformer';
  import { IsInt, ValidateNested } from 'class-validator';
  import { Leveret, listener, validatePayload } from 'leveret';
  import { FakeTransport, until } from './dist/test-support/fake-transport.js';
  class Item {}
  IsInt()(Item.prototype, 'count');
  Exclude({ toPlainOnly: true })(Item.prototype, 'secret');
  class Order {}
  IsInt()(Order.prototype, 'id');
  ValidateNested()(Order.prototype, 'item');
  Type(() => Item)(Order.prototype, 'item');
  (async () => {
    const wrong = { id: 'seven', item: { count: 'one' } };
    await Promise.resolve().then(() => validatePayload(wrong, Order)).catch(({ violations }) =>
      console.log(violations.map(({ path }) => path).join()));
    const transport = new FakeTransport();
    const onOrder = ({ item }) => { console.log(item instanceof Item); };
    const orders = listener({ queue: 'orders', payload: Order }, onOrder);
    const app = await Leveret.start({ transport, logger: 'silent', listeners: [orders] });
    transport.deliver('orders', { id: 7, item: { count: 1 } });
    await until('settled', () => transport.settled.length > 0);
    const item = Object.assign(new Item(), { count: 2, secret: 's' });
    await app.publisher.sendToQueue('orders', Object.assign(new Order(), { id: 8, item }));
    console.log(transport.settled.join(), transport.published[0].body.toString());
    await app.close();
  })();
`;

/** What it prints when it stands alone in a folder, with everything that it imports in one file. */
async function printedWhenBundled(format: 'esm' | 'cjs'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'leveret-bundle-'));
  try {
    const outfile = join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs');
    await build({
      stdin: { contents: APPLICATION, resolveDir: packageRoot },
      ...{ outfile, format, bundle: true, platform: 'node', logLevel: 'silent', external: ['inversify'] },
      // Needed for any module of CommonJS in such a bundle: amqplib is one.
      ...(format === 'esm' && { banner: { js: REQUIRE } }),
    });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd: folder, timeout: 20_000 });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const REQUIRE = `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);`;

describe('when an application is bundled', function () {
  this.timeout(60_000);

  for (const format of ['esm', 'cjs'] as const) {
    it(`finds the libraries of payload classes in the bundle (${format})`, async () => {
      expect(await printedWhenBundled(format)).to.equal('id,item.count\ntrue\nack 1 {"id":8,"item":{"count":2}}\n');
    });
  }
});
