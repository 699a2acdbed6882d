import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Broker } from '@leveret/broker';
import { expect } from 'chai';
import { Leveret } from 'leveret';
import { after, before, describe, it } from 'mocha';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'examples/quick-start/dist/ways-in');

/** The pages whose programs are compiled in another way than the rest, and the settings that the page takes for granted. */
const PAGES = [
  {
    page: 'standard-decorators',
    fence: 'standard',
    settings: { experimentalDecorators: false, emitDecoratorMetadata: false },
  },
  {
    page: 'functions',
    fence: 'plain',
    settings: { experimentalDecorators: false, emitDecoratorMetadata: false, erasableSyntaxOnly: true },
  },
] as const;

describe('the pages on other ways in', function () {
  this.timeout(60_000);
  let broker: Broker;
  const children: ChildProcess[] = [];
  before(async () => {
    broker = await Broker.start();
  });
  after(async () => {
    for (const child of children) child.kill();
    await broker.close();
  });

  for (const { page, fence, settings } of PAGES) {
    it(`show a program that compiles and runs as ${page} says`, async () => {
      const text = readFileSync(join(root, `docs/${page}.md`), 'utf8');
      const programs = [...text.matchAll(/^```ts (\w+)\n(.*?)^```/gms)];
      expect(programs.map((match) => match[1])).to.deep.equal([fence]);
      const program = await compiled(page, programs[0]?.[2] ?? '', settings);
      const child = spawn(process.execPath, [program], { env: { ...process.env, AMQP_URL: broker.url } });
      children.push(child);
      let output = '';
      const note = (chunk: Buffer) => {
        output += chunk.toString();
      };
      child.stdout.on('data', note);
      child.stderr.on('data', note);
      const says = async (words: string) => {
        const deadline = performance.now() + 20_000;
        while (!output.includes(words)) {
          if (performance.now() > deadline) throw new Error(`expected ${JSON.stringify(words)} in\n${output}`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      await says('leveret started');
      await using publisher = await Leveret.start({ connection: { urls: broker.url }, logger: 'silent' });
      const paid = { orderId: 7, paidAt: new Date().toISOString() };
      const headers = { 'x-tenant': 'north' };
      await publisher.publisher.publish('', 'trade.pay.success.queue', paid, { headers });
      await says('order 7 of north, version 1');
      await publisher.publisher.publish('', 'orders', { id: 8 }, { type: 'order.placed', headers });
      await says('\n8');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      expect(child.exitCode, output).to.equal(0);
    });
  }
});

/** Compiles a program in a project of its own, and answers where it is. */
async function compiled(name: string, code: string, settings: object): Promise<string> {
  const project = join(folder, name);
  rmSync(project, { recursive: true, force: true });
  mkdirSync(project, { recursive: true });
  writeFileSync(join(project, 'program.ts'), code);
  const compilerOptions = {
    ...settings,
    composite: false,
    declaration: false,
    declarationMap: false,
    noUnusedLocals: false,
    rootDir: '.',
    outDir: 'out',
  };
  const config = { extends: '../../../../../tsconfig.base.json', compilerOptions, include: ['program.ts'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { cwd: root }).catch(
    (error: { readonly stdout?: string }) => {
      throw new Error(error.stdout ?? String(error));
    },
  );
  return join(project, 'out/program.js');
}
