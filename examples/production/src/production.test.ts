import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Leveret } from 'leveret';
import { after, afterEach, before, describe, it } from 'mocha';
import pg from 'pg';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';
import { readSettings } from './settings.js';

const program = fileURLToPath(new URL('./main.js', import.meta.url));
const postgresUrl = process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test';

interface Line {
  readonly level: string;
  readonly text: string;
  readonly port?: number;
}

/** The service, as its container starts it. */
class Service {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  readonly ended: Promise<number | null>;
  output = '';

  constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [program], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
    const note = (chunk: Buffer) => {
      this.output += chunk.toString();
      const complete = this.output.slice(0, this.output.lastIndexOf('\n') + 1).split('\n');
      this.lines.length = 0;
      for (const line of complete) if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Line);
    };
    this.child.stdout?.on('data', note);
    this.child.stderr?.on('data', note);
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  said(text: string): readonly Line[] {
    return this.lines.filter((line) => line.text === text);
  }

  async ready(): Promise<string> {
    await until(
      () => this.said('ready').length > 0,
      () => this.output,
    );
    return `http://127.0.0.1:${this.said('ready')[0]?.port}`;
  }
}

async function until(holds: () => boolean | Promise<boolean>, otherwise: () => string): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`not within 30 s: ${otherwise()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

onEachNode('the service in production', (node) => {
  const schema = `production_${randomBytes(4).toString('hex')}`;
  const client = new pg.Client(postgresUrl);
  const services: Service[] = [];
  const start = () => {
    const databaseUrl = new URL(postgresUrl);
    databaseUrl.searchParams.set('options', `-csearch_path=${schema}`);
    const service = new Service({
      AMQP_URL: node.url,
      DATABASE_URL: databaseUrl.href,
      REDIS_URL: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379',
      REDIS_PREFIX: `${schema}:`,
      PORT: '0',
    });
    services.push(service);
    return service;
  };

  before(needs('postgres'));
  before(needs('redis'));
  before(async () => {
    if (process.env['LEVERET_SKIP_POSTGRES'] || process.env['LEVERET_SKIP_REDIS']) return;
    await client.connect();
    await client.query(`CREATE SCHEMA ${schema}`);
  });
  afterEach(() => {
    for (const { child } of services.splice(0)) child.kill('SIGKILL');
  });
  after(async () => {
    if (process.env['LEVERET_SKIP_POSTGRES'] || process.env['LEVERET_SKIP_REDIS']) return;
    await client.query(`DROP SCHEMA ${schema} CASCADE`);
    await client.end();
  });

  it('writes each invoice once, tells of it once, and ends by itself at SIGTERM with everything closed', async function () {
    this.timeout(60_000);
    const service = start();
    const url = await service.ready();
    const answers = await Promise.all(
      ['/livez', '/readyz', '/health'].map(async (path) => {
        const answer = await fetch(url + path);
        return [path, answer.status, ((await answer.json()) as { status: string }).status];
      }),
    );
    expect(answers).to.deep.equal([
      ['/livez', 200, 'up'],
      ['/readyz', 200, 'up'],
      ['/health', 200, 'up'],
    ]);

    await using shop = await Leveret.start({ connection: { urls: node.url }, logger: 'silent' });
    const paid = (orderId: number, messageId: string) =>
      shop.publisher.publish('shop.topic', 'order.paid', { orderId, cents: 995 }, { messageId });
    // The first comes twice, once as the same message and once as another one about the same order.
    for (const [orderId, id] of [
      [1, 'a'],
      [1, 'a'],
      [1, 'b'],
      [2, 'c'],
      [3, 'd'],
    ] as const) {
      await paid(orderId, `${schema}-${id}`);
    }
    const mails = () => service.said('mail sent').length;
    await until(
      () => mails() >= 3,
      () => service.output,
    );

    service.child.kill('SIGTERM');
    expect(await service.ended, service.output).to.equal(0);
    expect(service.said('all closed')).to.have.lengthOf(1);
    expect(mails()).to.equal(3);
    expect(service.lines.filter(({ level }) => level === 'error')).to.deep.equal([]);
    const { rows } = await client.query(
      `SELECT (SELECT count(*) FROM ${schema}.invoices) AS invoices, (SELECT count(*) FROM ${schema}.leveret_outbox) AS unsent`,
    );
    expect(rows).to.deep.equal([{ invoices: '3', unsent: '0' }]);
  });

  it('is stopped under load without a loss: what one instance leaves the next one takes', async function () {
    this.timeout(60_000);
    const first = start();
    await first.ready();
    await using shop = await Leveret.start({ connection: { urls: node.url }, logger: 'silent' });
    const orders = Array.from({ length: 60 }, (_, index) => 1000 + index);
    const published = Promise.all(
      orders.map((orderId) => shop.publisher.publish('shop.topic', 'order.paid', { orderId, cents: 995 })),
    );
    await until(
      () => first.said('mail sent').length >= 5,
      () => first.output,
    );
    first.child.kill('SIGTERM');
    await published;
    expect(await first.ended, first.output).to.equal(0);
    const second = start();
    const all = () => [...first.said('mail sent'), ...second.said('mail sent')];
    await until(
      () => all().length >= orders.length,
      () => `${all().length} mails\n${second.output.slice(-2000)}`,
    );
    second.child.kill('SIGTERM');
    expect(await second.ended, second.output).to.equal(0);
    // Both ended in peace, so each mail was sent once.
    expect(all()).to.have.lengthOf(orders.length);
    const { rows } = await client.query(`SELECT count(*) FROM ${schema}.leveret_outbox`);
    expect(rows).to.deep.equal([{ count: '0' }]);
  });
});

describe('what the service in production is given', () => {
  it('is told at once where it is missing, and the process ends', async function () {
    this.timeout(20_000);
    const service = new Service({ AMQP_URL: 'amqp://127.0.0.1:1' });
    expect(await service.ended).to.equal(1);
    expect(service.output).to.include('expected DATABASE_URL, REDIS_URL in the environment');
  });

  it('is in its manifest, with the time that it needs to end', () => {
    const manifest = readFileSync(new URL('../kubernetes.yaml', import.meta.url), 'utf8');
    const given = [...manifest.matchAll(/- name: ([A-Z_]+)$/gm)].map(([, name]) => [name, 'given']);
    expect(() => readSettings(Object.fromEntries(given))).not.to.throw();
    const seconds = (pattern: RegExp, text: string) => Number(pattern.exec(text)?.[1]);
    const main = readFileSync(new URL('../src/main.ts', import.meta.url), 'utf8');
    const needed = seconds(/sleep: \{ seconds: (\d+) \}/, manifest) + seconds(/shutdownTimeout: '(\d+)s'/, main);
    // Behind the handlers: confirms, and the connections.
    expect(seconds(/terminationGracePeriodSeconds: (\d+)/, manifest)).to.be.greaterThan(needed + 5);
  });
});
