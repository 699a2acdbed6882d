import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Broker } from '@leveret/broker';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../tools/scripts/needs.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'examples/quick-start/dist/readmes');

/** A program of a README, and what the README says that it prints. */
interface Program {
  readonly name: string;
  readonly code: string;
  readonly prints: readonly string[];
}

const packages = readdirSync(join(root, 'packages'));
const programs = packages.flatMap(programsOf);

function programsOf(name: string): readonly Program[] {
  const text = readFileSync(join(root, `packages/${name}/README.md`), 'utf8');
  // The text of what is printed may stand between two programs and belongs to the one before it.
  return [
    ...text.matchAll(/^```ts\n(.*?)^```$(?:(?!^```ts).)*?(?:^```text\n(.*?)^```$|(?=^```ts)|$(?![\s\S]))/gms),
  ].map(([, code = '', prints = ''], index) => ({
    name: `${name}-${index + 1}`,
    code,
    prints: prints.split('\n').filter(Boolean),
  }));
}

describe('the READMEs of the packages', function () {
  this.timeout(90_000);
  const children = new Set<ChildProcess>();

  before(compile);
  after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  it('have no code that is not run here', () => {
    const texts = packages.map((name) => readFileSync(join(root, `packages/${name}/README.md`), 'utf8'));
    const fences = texts.flatMap((text) => text.match(/^```(?:ts|typescript|js|javascript)\b/gm) ?? []);
    expect(programs).to.have.length(fences.length);
  });

  for (const { name, prints, code } of programs) {
    describe(name, () => {
      if (code.includes('REDIS_URL')) before(needs('redis'));

      it('compiles, runs, and prints what it says', async () => {
        await using broker = await Broker.start();
        const isTest = code.includes("from 'mocha'");
        const program = [...(isTest ? ['node_modules/mocha/bin/mocha.js'] : []), join(folder, 'out', `${name}.js`)];
        const env = { ...process.env, NO_COLOR: '1', AMQP_URL: broker.url };
        const child = spawn(process.execPath, program, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
        children.add(child);
        let output = '';
        const printed = () => output.split('\n').filter((line) => prints.includes(line));
        // Services run until a signal ends them.
        let isOver = !/\bSIGTERM\b|shutdownHooks/.test(code);
        const note = (chunk: Buffer) => {
          output += chunk.toString();
          if (isOver || printed().length < prints.length) return;
          isOver = true;
          child.kill('SIGTERM');
        };
        child.stdout.on('data', note);
        child.stderr.on('data', note);
        const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
        const exitCode = await new Promise((resolve) => child.once('close', resolve));
        clearTimeout(timer);
        expect(exitCode, output).to.equal(0);
        expect(printed(), output).to.deep.equal(prints);
        expect(output).to.not.match(/ (WARN|ERROR) /);
      });
    });
  }
});

async function compile(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, code } of programs) writeFileSync(join(folder, `${name}.ts`), code);
  const compilerOptions = {
    composite: false,
    declaration: false,
    declarationMap: false,
    rootDir: '.',
    outDir: 'out',
  };
  const config = { extends: '../../../../tsconfig.base.json', compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], { cwd: root }).catch(
    (error: { readonly stdout?: string }) => {
      throw new Error(error.stdout ?? String(error));
    },
  );
}
