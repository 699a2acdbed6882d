import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { changedLines, run } from './run.js';
import { transform } from './transform.js';

/** Packages by their names: nothing here imports them. */
function named(source: string): string {
  return source
    .replaceAll('GOLEVELUP', "'@golevelup/nestjs-rabbitmq'")
    .replaceAll('ALIAS', "'@leveret/nestjs/golevelup'")
    .replaceAll('LEVERET', "'leveret'")
    .replaceAll('NEST', "'@leveret/nestjs'");
}

const BEFORE = named(`import { Injectable, UseGuards } from '@nestjs/common';
import { AmqpConnection, Nack, RabbitHeader, RabbitPayload, RabbitRPC, RabbitSubscribe } from GOLEVELUP;

@Injectable()
export class Orders {
  constructor(private readonly amqp: AmqpConnection, private readonly other: AmqpConnection) {}

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'order.placed', queue: 'orders', queueOptions: { deadLetterExchange: 'dlx' } })
  @UseGuards(TenantGuard)
  async placed(@RabbitPayload(new ValidationPipe()) order: Order, @RabbitHeader('tenant') tenant: string) {
    if (order.id < 0) return new Nack();
    if (order.id === 0) return new Nack(true);
    await this.amqp.publish('shop', 'order.taken', { id: order.id });
  }

  @RabbitRPC({ exchange: 'shop', routingKey: 'price', queue: 'prices' })
  price(@RabbitPayload() order: Order) {
    return this.amqp.request({ exchange: 'x', routingKey: 'y', payload: order, timeout: 500 });
  }

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'raw', queue: 'raw' })
  raw(event: object, message: ConsumeMessage) {
    this.other.channel.ack(message);
  }

  @RabbitSubscribe({ queue: 'custom', errorHandler: park })
  custom(event: object) {}
}
`);

const AFTER = named(`import { Injectable, UseGuards } from '@nestjs/common';
import { Header, Listener, Payload, Publisher, RejectMessage, RequeueMessage } from LEVERET;
import { Pipes } from NEST;
import { AmqpConnection, RabbitSubscribe } from ALIAS;

@Injectable()
export class Orders {
  constructor(private readonly amqp: Publisher, private readonly other: AmqpConnection) {}

  @Listener({ queue: { name: 'orders', deadLetterExchange: 'dlx' }, bindings: { exchange: 'shop', routingKey: 'order.placed' } })
  @UseGuards(TenantGuard)
  async placed(@Payload() @Pipes(new ValidationPipe()) order: Order, @Header('tenant', { required: false }) tenant: string) {
    if (order.id < 0) throw new RejectMessage();
    if (order.id === 0) throw new RequeueMessage();
    await this.amqp.publish('shop', 'order.taken', { id: order.id });
  }

  @Listener({ queue: 'prices', bindings: { exchange: 'shop', routingKey: 'price' } })
  price(@Payload() order: Order) {
    return this.amqp.request('x', 'y', order, { timeout: 500 });
  }

  @RabbitSubscribe({ exchange: 'shop', routingKey: 'raw', queue: 'raw' })
  raw(event: object, message: ConsumeMessage) {
    this.other.channel.ack(message);
  }

  @RabbitSubscribe({ queue: 'custom', errorHandler: park })
  custom(event: object) {}
}
`);

describe('transform', () => {
  it('turns what has a counterpart into the names of leveret, and tells what has none', () => {
    const { code, changed, notes } = transform(BEFORE);
    expect(code).to.equal(AFTER);
    expect(changed).to.equal(true);
    expect(notes.map(({ line }) => line)).to.deep.equal([6, 6, 8, 21, 26]);
    expect(notes.map(({ text }) => text).join('\n'))
      .to.contain('errorHandler has no counterpart')
      .and.contain('second parameter')
      .and.contain('other stays an AmqpConnection')
      .and.contain('rejects now when no queue is bound');
  });

  it('changes nothing the second time, nor what has nothing of golevelup', () => {
    expect(transform(AFTER)).to.deep.equal({ code: AFTER, changed: false, notes: [] });
    const other = named('// instead of GOLEVELUP\nexport const one = 1;\n');
    expect(transform(other)).to.deep.equal({ code: other, changed: false, notes: [] });
  });

  it('only changes the import when asked for the alias', () => {
    const { code, notes } = transform(BEFORE, { alias: true });
    expect(changedLines(BEFORE, code)).to.deep.equal([
      named(
        '- import { AmqpConnection, Nack, RabbitHeader, RabbitPayload, RabbitRPC, RabbitSubscribe } from GOLEVELUP;',
      ),
      named('+ import { AmqpConnection, Nack, RabbitHeader, RabbitPayload, RabbitRPC, RabbitSubscribe } from ALIAS;'),
    ]);
    expect(notes).to.deep.equal([]);
  });

  it('leaves alone what it cannot be sure of', () => {
    const cases = [
      '@RabbitSubscribe(options) on(e: object) {}',
      "@RabbitSubscribe({ ...common, queue: 'q' }) on(e: object) {}",
      "@RabbitSubscribe({ exchange: 'x', routingKey: 'y' }) on(e: object) {}",
      "@RabbitSubscribe({ queue: 'q', queueOptions: { channel: 'slow' } }) on(e: object) {}",
      "@RabbitSubscribe({ queue: 'q' }) on(@RabbitPayload('id') id: number) {}",
      "@RabbitSubscribe({ queue: 'q' }) on(@RabbitPayload() e: object, other: object) {}",
      "@RabbitSubscribe({ queue: 'q' }) on(e: object) { const nack = new Nack(); return nack; }",
    ];
    for (const method of cases) {
      const source = named(`import { Nack, RabbitPayload, RabbitSubscribe } from GOLEVELUP;\nclass A { ${method} }\n`);
      const { code, notes } = transform(source);
      expect(code, method).to.equal(source.replace(named('GOLEVELUP'), named('ALIAS')));
      expect(notes, method).to.have.lengthOf(1);
    }
  });

  it('minds names that are something else, other names of its own, and side effects', () => {
    const taken = named(
      "import { Payload } from './mine';\nimport { RabbitSubscribe } from GOLEVELUP;\nclass A { @RabbitSubscribe({ queue: 'q' }) on(e: object) {} }\n",
    );
    expect(transform(taken).notes[0]?.text).to.contain('Payload is the name of something else');
    const renamed = named(
      "import { RabbitSubscribe as On, RabbitMQModule } from GOLEVELUP;\nclass A { @On({ queue: 'q' }) on(e: object) {} }\nRabbitMQModule;\n",
    );
    expect(transform(renamed).code).to.equal(
      named(
        "import { Listener } from LEVERET;\nimport { RabbitMQModule } from ALIAS;\nclass A { @Listener({ queue: 'q' }) on(e: object) {} }\nRabbitMQModule;\n",
      ),
    );
    const whole = named('import * as rabbit from GOLEVELUP;\nrabbit;\n');
    expect(transform(whole).code).to.equal(named('import * as rabbit from ALIAS;\nrabbit;\n'));
  });
});

describe('the command', () => {
  function call(...args: string[]): { code: number; out: string; err: string } {
    const [out, err]: [string[], string[]] = [[], []];
    const code = run(args, { out: (line) => out.push(line), err: (line) => err.push(line) });
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  it('only says what it would do, does it when told to, and is done then', () => {
    const folder = mkdtempSync(join(tmpdir(), 'codemod-'));
    try {
      const file = join(folder, 'orders.ts');
      writeFileSync(file, BEFORE);
      writeFileSync(join(folder, 'broken.ts'), named('import GOLEVELUP; class {'));
      const dry = call(folder);
      expect(dry.code).to.equal(2);
      expect(dry.out)
        .to.contain('would change')
        .and.contain('1 file would be changed, 5 to look at. Do it with --write');
      expect(dry.err).to.contain('broken.ts');
      expect(readFileSync(file, 'utf8')).to.equal(BEFORE);
      rmSync(join(folder, 'broken.ts'));
      expect(call('--write', folder)).to.include({ code: 0 });
      expect(readFileSync(file, 'utf8')).to.equal(AFTER);
      expect(call('--write', folder).out).to.equal('0 files changed, 0 to look at');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says how it is called', () => {
    expect(call()).to.include({ code: 2 });
    expect(call('--wrote', 'src').err).to.contain('unknown: --wrote');
    expect(call('--help').out).to.contain('--write');
    expect(call('/nowhere').err).to.contain('no such file');
  });
});
