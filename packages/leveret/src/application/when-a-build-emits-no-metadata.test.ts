import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { type TransformOptions, transform } from 'esbuild';
import { after, before, describe, it } from 'mocha';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';

/** As users of tsx, vite and swc write it: every type is given. */
const EXPLICIT = `
  import { Context, type DeliveryContext, Handler, Header, Listener, Payload, UseInterceptors } from 'leveret';
  import { IsInt } from 'class-validator';
  import { inject, injectable } from 'inversify';

  export class PaySucceeded {
    @IsInt() orderId!: number;
  }

  @injectable()
  class Book {
    readonly entries: unknown[] = [];
  }

  const counted = (context: DeliveryContext, next: () => Promise<unknown>) => next();

  @injectable()
  export class PayListener {
    static book: Book;

    constructor(@inject(Book) readonly book: Book) {
      PayListener.book = book;
    }

    @Listener({ queue: 'pay', retry: { maxAttempts: 2, initialInterval: 0 } })
    @UseInterceptors(counted)
    onPaid(@Payload(PaySucceeded) event: PaySucceeded, @Header('x-tenant') tenant: string, @Context() context: DeliveryContext) {
      this.book.entries.push([event instanceof PaySucceeded, event.orderId, tenant, context.attempt]);
      if (event.orderId === 13 && context.attempt === 1) throw new Error('once more');
    }
  }

  @Listener('mixed')
  export class MixedListener {
    @Handler(PaySucceeded)
    onPaid(event: PaySucceeded) {
      PayListener.book.entries.push(['mixed', event.orderId]);
    }
  }
`;

/** As one writes it where tsc compiles: nothing is left of the parameter's type here. */
const BARE = `
  import { Listener } from 'leveret';

  export class PaySucceeded {}

  export class PayListener {
    @Listener('pay')
    onPaid(event: PaySucceeded) {}
  }
`;

interface Example {
  readonly PayListener: (new () => object) & { readonly book: { readonly entries: unknown[] } };
  readonly MixedListener: new () => object;
}

describe('when a build emits no metadata', () => {
  let folder: string;

  // Inside the package, so that the example finds leveret by its name as users do.
  before(async () => {
    folder = await mkdtemp(join(import.meta.dirname, 'esbuild-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function build(name: string, source: string): Promise<Example> {
    const options: TransformOptions = {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
      // esbuild knows no emitDecoratorMetadata: the setting is there to show that it does nothing.
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true, ...{ emitDecoratorMetadata: true } } },
    };
    const { code } = await transform(source, options);
    expect(code).to.not.contain('design:paramtypes');
    const file = join(folder, `${name}.mjs`);
    await writeFile(file, code);
    return (await import(pathToFileURL(file).href)) as Example;
  }

  it('works as long as every type is given', async () => {
    const { PayListener, MixedListener } = await build('explicit', EXPLICIT);
    const transport = new FakeTransport();
    await using _app = await Leveret.start({ transport, logger: 'silent', listeners: [PayListener, MixedListener] });
    const headers = { 'x-tenant': 'north' };
    transport.deliver('pay', { orderId: 13 }, { headers });
    transport.deliver('pay', { orderId: 'x' }, { headers });
    transport.deliver('mixed', { orderId: 4 }, { type: 'PaySucceeded' });
    await until('all settled', () => transport.settled.length === 3);
    expect([...transport.settled].sort()).to.deep.equal(['ack 1', 'ack 3', 'reject 2']);
    const { entries } = PayListener.book;
    expect(entries).to.have.length(3);
    expect(entries).to.deep.include.members([
      [true, 13, 'north', 1],
      [true, 13, 'north', 2],
      ['mixed', 4],
    ]);
  });

  it('refuses a payload whose type is not given, and says what to do', async () => {
    const { PayListener } = await build('bare', BARE);
    const error = await Leveret.start({
      transport: new FakeTransport(),
      logger: 'silent',
      listeners: [PayListener],
    }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConfigurationError);
    expect((error as ConfigurationError).problems).to.have.length(1);
    expect((error as ConfigurationError).problems[0]).to.match(
      /^listener PayListener\.onPaid: the payload \(parameter 1\) has no reflected type.*esbuild.*Give it: @Payload\(PaySucceeded\)$/,
    );
  });
});
