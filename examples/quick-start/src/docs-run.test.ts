import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, 'examples/quick-start/dist/run');

/** A program that ends by itself, and behind it what it prints. */
const PROGRAM = /^```ts run\n(.*?)^```.*?^```text\n(.*?)^```/gms;

const programs = readdirSync(join(root, 'docs'))
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) =>
    [...readFileSync(join(root, 'docs', file), 'utf8').matchAll(PROGRAM)].map(([, code = '', output = ''], index) => ({
      name: `${file.replace('.md', '')}-${index + 1}`,
      code,
      output,
    })),
  );

describe('the programs of the documents', function () {
  this.timeout(60_000);

  it('are there', () => {
    expect(programs.map(({ name }) => name)).to.include('five-minutes-1');
  });

  for (const { name, code, output } of programs) {
    it(`print what ${name} says`, async () => {
      const project = join(folder, name);
      rmSync(project, { recursive: true, force: true });
      mkdirSync(project, { recursive: true });
      writeFileSync(join(project, 'main.ts'), code);
      const compilerOptions = {
        composite: false,
        declaration: false,
        declarationMap: false,
        rootDir: '.',
        outDir: 'out',
      };
      const config = { extends: '../../../../../tsconfig.base.json', compilerOptions, include: ['main.ts'] };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
      const node = (...args: string[]) =>
        promisify(execFile)(process.execPath, args, { cwd: root, timeout: 30_000 }).catch(
          (error: { readonly stdout?: string; readonly stderr?: string }) => {
            throw new Error(`${error.stdout}${error.stderr}`);
          },
        );
      await node('node_modules/typescript/bin/tsc', '-p', project);
      expect((await node(join(project, 'out/main.js'))).stdout).to.equal(output);
    });
  }
});
