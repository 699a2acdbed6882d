import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError, type IdempotencyStore } from '@leveret/core';
// Now, so that its global is not taken for a leak of the first test.
import 'class-validator';
import { expect } from 'chai';
import { type BuildOptions, build } from 'esbuild';
import { after, before, describe, it } from 'mocha';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import type { Leveret } from './leveret.js';

/** Two modules have a class of one name, as modules of one service often do. */
const MODULES = {
  'orders.ts': `
    import { Handler, Idempotent, Listener, Payload } from 'leveret';
    export class Created { id!: number }
    @Listener('orders')
    export class Orders {
      static seen: unknown[] = [];
      @Handler(Created) on(event: Created) { Orders.seen.push(event); }
    }
    export class Stock {
      @Listener('stock') @Idempotent()
      onMoved(@Payload(Object) event: object) {}
    }`,
  'payments.ts': `
    import { Handler, Listener, Scheduled } from 'leveret';
    export class Created { amount!: number }
    @Listener('payments')
    export class Payments {
      static seen: unknown[] = [];
      @Handler(Created) on(event: Created) { Payments.seen.push(event); }
    }
    export class Polling {
      @Scheduled({ every: '1h' }, { runOnOneInstance: true }) poll() {}
    }`,
  'named.ts': `
    import { Handler, Idempotent, Listener, Scheduled } from 'leveret';
    class Created { id!: number }
    @Listener({ id: 'orders', queue: 'orders' })
    @Idempotent()
    class Orders {
      @Handler(Created, { type: 'order.created' }) on(event: Created) { seen.push([event instanceof Created, event]); }
      @Scheduled({ every: '1h' }, { id: 'poll', runOnOneInstance: true }) poll() {}
    }
    export const seen: unknown[] = [];
    export const listeners = [Orders];`,
  'app.ts': `
    import * as orders from './orders';
    import * as payments from './payments';
    export { Leveret, PublishError } from 'leveret';
    export { MemoryIdempotencyStore, RejectMessage } from '@leveret/core';
    export * as named from './named';
    export const listeners = [orders.Orders, orders.Stock, payments.Payments];
    export const schedules = [payments.Polling];`,
};

interface Built {
  readonly Leveret: typeof Leveret;
  readonly PublishError: { readonly name: string };
  readonly RejectMessage: new (text: string) => Error;
  readonly MemoryIdempotencyStore: new () => IdempotencyStore;
  readonly listeners: readonly (new () => object)[];
  readonly schedules: readonly (new () => object)[];
  readonly named: { readonly listeners: readonly (new () => object)[]; readonly seen: readonly [boolean, object][] };
}

describe('when a build changes names', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(import.meta.dirname, 'bundle-'));
    await mkdir(join(folder, 'src'));
    for (const [name, text] of Object.entries(MODULES)) await writeFile(join(folder, 'src', name), text);
  });

  after(() => rm(folder, { recursive: true }));

  /** Bundled with leveret itself, or without. */
  async function bundle(name: string, options: BuildOptions): Promise<Built> {
    const outfile = join(folder, `${name}.mjs`);
    await build({
      entryPoints: [join(folder, 'src/app.ts')],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      logLevel: 'error',
      external: ['class-validator', 'class-transformer', 'inversify', 'reflect-metadata', 'amqplib'],
      ...options,
    });
    return (await import(pathToFileURL(outfile).href)) as Built;
  }

  async function faultsOf({ Leveret, listeners, schedules, MemoryIdempotencyStore }: Built) {
    const transport = new FakeTransport();
    const idempotency = { store: new MemoryIdempotencyStore() };
    const started = Leveret.start({ transport, logger: 'silent', listeners, schedules, idempotency } as never);
    const error = await started.catch((reason: unknown) => reason);
    expect(ConfigurationError.is(error), String(error)).to.equal(true);
    return (error as ConfigurationError).problems;
  }

  it('tells the second class of one name, with the line to add', async () => {
    expect(await faultsOf(await bundle('renamed', { packages: 'external' }))).to.deep.equal([
      `listener Payments, @Handler on: its type "Created2" is made of the name of its class ("Created2"), which looks like one that a bundler made: each build may give the class another. Messages of any other type are rejected. Say it, as it is called in the source: @Handler(Created, { type: 'Created' })`,
    ]);
  });

  for (const packages of ['bundle', 'external'] as const) {
    it(`tells everything that minified names would make anew with each build, at once (${packages})`, async () => {
      const faults = await faultsOf(await bundle(`minified-${packages}`, { minify: true, packages }));
      const told = [
        /@Handler on: its type "/,
        /@Handler on: its type "/,
        /the id "\w+\.onMoved" is made of/,
        /the id "\w+\.poll" is made of/,
      ];
      expect(faults).to.have.length(told.length);
      for (const [index, pattern] of told.entries()) expect(faults[index]).to.match(pattern);
      expect(faults[2]).to.match(
        /which the build has shortened\. With another id it does not know which messages were handled.*: @Listener\({ id: 'NameInSource\.onMoved', \.\.\. }\)$/,
      );
    });
  }

  it('tells two classes of one name when the build keeps names, as tsc does', async () => {
    const faults = await faultsOf(await bundle('kept', { minify: true, keepNames: true }));
    expect(faults).to.deep.equal([
      `listener Payments: two classes are called Created, so that both have the type "Created", and a bundler may rename one of them. Say in both places which type they take: @Handler(Created, { type: 'Created' }). The other is of listener Orders`,
    ]);
  });

  it('takes what has names of its own, and keeps those of errors', async () => {
    const { Leveret, MemoryIdempotencyStore, PublishError, RejectMessage, named } = await bundle('named', {
      minify: true,
    });
    const transport = new FakeTransport();
    const idempotency = { store: new MemoryIdempotencyStore() };
    await using _app = await Leveret.start({
      transport,
      logger: 'silent',
      listeners: named.listeners,
      idempotency,
    } as never);
    transport.deliver('orders', { id: 7 }, { type: 'order.created', messageId: 'm-1' });
    await until('settled', () => transport.settled.length === 1);
    expect(transport.settled).to.deep.equal(['ack 1']);
    expect(named.seen[0]?.[0]).to.equal(true);
    expect(PublishError.name).to.equal('PublishError');
    expect(new RejectMessage('no').name).to.equal('RejectMessage');
  });
});
