import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { transformSync } from 'esbuild';
import { ConfigurationError, Leveret, Listener, type ListenerOptions } from 'leveret';
import { describe, it } from 'mocha';
import { pagesWithFiles } from '../../../tools/scripts/shown-files.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'tools/site/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true })
    .map((file) => `docs/${String(file)}`)
    .filter((file) => file.endsWith('.md')),
];

/** What the documents take for granted that their readers have. */
const READERS_OWN = `
declare class PaySucceeded { orderId: number; }
declare class PayRefunded { orderId: number; }
declare class Order { id: number; }
declare class OrderService { save(order: Order): Promise<void>; markPaid(orderId: number): Promise<void>; }
declare class OrderListener { onOrder(order: Order): void; }
declare class AppModule {}
declare class PayStatusListener { onPaySucceeded(event: PaySucceeded): Promise<void>; }
declare const orders: OrderService;
declare const expect: typeof import('chai').expect;
declare class Failures { save(messageId: string | undefined, error: unknown, attempts: number): Promise<void>; }
`;

describe('the documents', () => {
  it('show the quick start in the README as it is', () => {
    expect(codeOf('README.md')[0]).to.equal(read('examples/quick-start/src/quick-start.ts'));
  });

  it('show files of examples as they are', () => {
    const pages = pagesWithFiles();
    expect(pages.map(({ page }) => page)).to.include('docs/production.md');
    // Copied by node tools/scripts/shown-files.mjs --write.
    for (const { page, text, shown } of pages) expect(text, page).to.equal(shown);
  });

  it('link to files and headings that are there', () => {
    const dead = documents.flatMap((file) => linksOf(file).filter((link) => !leads(file, link)));
    expect(dead).to.deep.equal([]);
  });

  it('have code that compiles, where it is a whole module', async function () {
    this.timeout(60_000);
    expect(await compilerFaults()).to.equal('');
  });

  it('have code that can be read by a compiler, where it is a part of something', () => {
    const parts = documents.flatMap((file) =>
      codeOf(file)
        .filter((code) => !/^import\b/.test(code))
        .map((code) => ({ file, code })),
    );
    expect(parts.length).to.be.greaterThan(30);
    expect(parts.filter(({ code }) => !isPartOfAProgram(code))).to.deep.equal([]);
  });

  it('list every option of @Listener', async () => {
    class Wrong {
      @Listener({ queue: 'q', nonsense: true } as ListenerOptions)
      onMessage(): void {}
    }
    const error: unknown = await Leveret.start({ listeners: [Wrong], logger: 'silent' }).catch((e: unknown) => e);
    const known = /Known are: (.*)/.exec(error instanceof ConfigurationError ? error.message : '')?.[1]?.split(', ');
    const table = read('docs/listeners.md').split('## Options')[1]?.split('###')[0] ?? '';
    const listed = [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    expect(listed.toSorted()).to.deep.equal(known?.toSorted());
  });
});

function codeOf(file: string): readonly string[] {
  return [...read(file).matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? '');
}

/** Where a part may stand: by itself, in a function, in a class, in an object. */
const SURROUNDINGS = [
  (code: string) => code,
  (code: string) => `async function* part() {\n${code}\n}`,
  (code: string) => `class Part {\n${code}\n}`,
  (code: string) => `class Part {\n${code}\nlast() {} }`,
  (code: string) => `const part = {\n${code}\n};`,
];

/** `…` and `...` stand for what the reader has. */
function isPartOfAProgram(code: string): boolean {
  const whole = code.replaceAll('…', '0').replaceAll('{ ... }', '{}');
  return SURROUNDINGS.some((surround) => {
    try {
      transformSync(surround(whole), {
        loader: 'ts',
        logLevel: 'silent',
        tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      });
      return true;
    } catch {
      return false;
    }
  });
}

async function compilerFaults(): Promise<string> {
  const folder = join(root, 'examples/quick-start/dist/documents');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'readers-own.d.ts'), READERS_OWN);
  // Whole programs, copied from files that their own projects compile and run.
  const copied = ['docs/recipes.md', 'docs/production.md'];
  for (const file of documents.filter((each) => !copied.includes(each))) {
    for (const [index, code] of codeOf(file).entries()) {
      if (!/^import\b/.test(code)) continue;
      writeFileSync(join(folder, `${file.replaceAll('/', '-')}-${index + 1}.ts`), code);
    }
  }
  const compilerOptions = {
    noEmit: true,
    composite: false,
    incremental: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const config = { extends: '../../../../tsconfig.base.json', compilerOptions, include: ['.'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compile = promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', folder], {
    cwd: root,
  });
  return compile.then(
    () => '',
    (error: { readonly stdout?: string }) => error.stdout ?? String(error),
  );
}

function linksOf(file: string): readonly string[] {
  // `this[method](...args)` in code is no link.
  const words = read(file).replace(/^```.*?^```|`[^`\n]*`/gms, '');
  return [...words.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '').filter((link) => !/^\w+:/.test(link));
}

function leads(from: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? from : join(dirname(from), path);
  if (!existsSync(join(root, target))) return false;
  return heading === undefined || headingsOf(target).includes(heading);
}

/** Headings as GitHub links to them. */
function headingsOf(file: string): readonly string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
