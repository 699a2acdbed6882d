/** Each check fails on the fault it is there for, and on nothing else: run on small broken copies of the project. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { code, importsOf } from './sources.mjs';

const scripts = fileURLToPath(new URL('.', import.meta.url));
let clone;

function put(files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    writeFileSync(join(clone, path), typeof text === 'string' ? text : JSON.stringify(text));
  }
}

function run(check, ...args) {
  const result = spawnSync(process.execPath, [join(scripts, check), ...args], {
    env: { ...process.env, LEVERET_ROOT: clone },
    encoding: 'utf8',
  });
  return { code: result.status, text: result.stdout + result.stderr };
}

function expectFault(check, fault) {
  const { code: exitCode, text } = run(check);
  expect(text).to.contain(fault);
  expect(exitCode).to.equal(1);
}

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'leveret-checks-'));
  mkdirSync(join(clone, 'tools/scripts'), { recursive: true });
  cpSync(join(scripts, 'floors.json'), join(clone, 'tools/scripts/floors.json'));
  put({
    'tsconfig.json': { references: [{ path: 'packages/core' }, { path: 'packages/leveret' }] },
    'packages/core/package.json': { name: '@leveret/core' },
    'packages/core/tsconfig.json': {},
    'packages/core/api.md': '## Values\n\n- `ERROR_CODES`\n\n## Types\n\n- `Message`\n',
    'packages/core/src/index.ts': `export { ERROR_CODES } from './errors/error-codes.js';\nexport { type Message } from './message/message.js';\n`,
    'packages/core/src/errors/error-codes.ts': `export const ERROR_CODES = { LEV_LOST: 'Lost.' } as const;\n`,
    'packages/core/src/message/message.ts': `import { ERROR_CODES } from '../errors/error-codes.js';\nthrow new Error('LEV_LOST', ERROR_CODES);\n`,
    'packages/leveret/package.json': { name: 'leveret', dependencies: { '@leveret/core': '1', inversify: '8' } },
    'packages/leveret/tsconfig.json': {},
    'packages/leveret/src/index.ts': '',
    'packages/leveret/src/app.ts': `import { Container } from 'inversify';\nimport '@leveret/core';\n`,
    'docs/errors.md': '# Errors\n\n## LEV_LOST\n\nIt is lost.\n',
  });
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

describe('the checks of the test command', () => {
  for (const check of ['floors', 'imports', 'exports', 'errors', 'clocks', 'references']) {
    it(`${check} pass where nothing is wrong`, () => {
      expect(run(`check-${check}.mjs`)).to.include({ code: 0 });
    });
  }

  it('floors refuse an import of a higher folder', () => {
    put({ 'packages/core/src/errors/high.ts': `export { a } from '../message/message.js';\n` });
    expectFault('check-floors.mjs', 'message is not below errors');
  });

  it('floors refuse an import of a folder beside', () => {
    put({ 'packages/core/src/retry/a.ts': `import('../handler/b.js');\n`, 'packages/core/src/handler/b.ts': '' });
    expectFault('check-floors.mjs', 'handler is not below retry');
  });

  it('floors refuse a folder of the broker that imports one above or beside it', () => {
    put({
      'packages/broker/package.json': { name: '@leveret/broker' },
      'packages/broker/src/vhost/a.ts': `import '../channel/b.js';\n`,
      'packages/broker/src/queue/a.ts': `import type { B } from '../routing/b.js';\n`,
    });
    expectFault('check-floors.mjs', 'channel is not below vhost');
    expectFault('check-floors.mjs', 'routing is not below queue');
  });

  it('floors refuse a stage that imports the index', () => {
    put({ 'packages/core/src/errors/a.ts': `import '../index.js';\n` });
    expectFault('check-floors.mjs', 'never imports the index');
  });

  it('floors refuse an unknown folder and an unknown package', () => {
    put({ 'packages/core/src/utils/a.ts': '', 'packages/extra/package.json': { name: 'extra' } });
    expectFault('check-floors.mjs', 'packages/core/src/utils has no floor');
    expectFault('check-floors.mjs', 'packages/extra has no floor');
  });

  it('floors refuse a package that imports one above it, or a file of another', () => {
    put({
      'packages/core/src/errors/a.ts': `import 'leveret';\nimport type { X } from '../../../leveret/src/app.js';\n`,
    });
    expectFault('check-floors.mjs', 'packages/core stands on nothing, not on leveret');
    expectFault('check-floors.mjs', 'outside its package');
  });

  it('floors let a test import anything of its own package', () => {
    put({ 'packages/core/src/errors/a.test.ts': `import '../message/message.js';\n` });
    expect(run('check-floors.mjs')).to.include({ code: 0 });
  });

  it('floors refuse files that import each other in a circle, however long, and be it for types', () => {
    put({
      'packages/core/src/errors/a.ts': `import { b } from './b.js';\nexport const a = b;\n`,
      'packages/core/src/errors/b.ts': `import type { C } from './c.js';\nexport const b = 1 as unknown as C;\n`,
      'packages/core/src/errors/c.ts': `export type C = import('./a.js').A;\nexport { d } from './d.js';\n`,
      'packages/core/src/errors/d.ts': '',
    });
    expectFault(
      'check-floors.mjs',
      'in a circle: core/errors/a.ts → core/errors/b.ts → core/errors/c.ts → core/errors/a.ts',
    );
    expect(run('check-floors.mjs').text).to.contain('1 fault');
  });

  it('floors refuse a folder without a floor in every package', () => {
    for (const name of ['amqplib', 'leveret', 'sql', 'testing', 'redis', 'broker']) {
      put({ [`packages/${name}/package.json`]: { name }, [`packages/${name}/src/heap/a.ts`]: '' });
      expectFault('check-floors.mjs', `packages/${name}/src/heap has no floor`);
    }
  });

  it('imports refuse a dependency that belongs to another package', () => {
    put({ 'packages/core/src/errors/a.ts': `const x = require('amqplib');\n` });
    expectFault('check-imports.mjs', 'imports amqplib, which belongs to packages/amqplib');
  });

  it('imports refuse a dependency that is not declared', () => {
    put({ 'packages/leveret/src/b.ts': `import 'class-validator/x.js';\n` });
    expectFault('check-imports.mjs', 'packages/leveret/package.json does not declare');
  });

  it('imports refuse a declared dependency of another owner', () => {
    put({ 'packages/core/package.json': { name: '@leveret/core', dependencies: { inversify: '8' } } });
    expectFault('check-imports.mjs', 'depends on inversify, which it does not own');
  });

  it('imports refuse amqplib in an example', () => {
    put({ 'examples/shop/src/a.ts': `import { connect } from 'amqplib';\n` });
    expectFault('check-imports.mjs', 'examples use');
  });

  it('exports refuse a name that is not listed, and a listed name that is gone', () => {
    put({ 'packages/core/src/index.ts': `export type { Message, News as Fresh } from './message/message.js';\n` });
    expectFault('check-exports.mjs', 'does not list Fresh as a type');
    expectFault('check-exports.mjs', 'lists ERROR_CODES, which');
  });

  it('exports refuse a type that became a value', () => {
    put({ 'packages/core/src/index.ts': `export { ERROR_CODES, Message } from './message/message.js';\n` });
    expectFault('check-exports.mjs', 'does not list Message as a value');
  });

  it('exports refuse everything but re-exports by name', () => {
    put({ 'packages/core/src/index.ts': `export * from './message/message.js';\n` });
    expectFault('check-exports.mjs', `received 'export * from './message/message.js''`);
  });

  it('exports write the list that they then accept', () => {
    put({ 'packages/core/src/index.ts': `export { Fresh } from './message/message.js';\n` });
    expect(run('check-exports.mjs', '--write')).to.include({ code: 0 });
    expect(run('check-exports.mjs')).to.include({ code: 0 });
  });

  it('errors refuse a code without docs and a code that nobody uses', () => {
    put({ 'packages/core/src/errors/error-codes.ts': `({ LEV_LOST: 'Lost.', LEV_NEW: 'New.' });\n` });
    expectFault('check-errors.mjs', "LEV_NEW has no '## LEV_NEW'");
    expectFault('check-errors.mjs', 'LEV_NEW is in the registry, but no source uses it');
  });

  it('errors refuse docs and sources that name an unknown code', () => {
    put({ 'docs/errors.md': '## LEV_LOST\n\nSee LEV_GONE.\n', 'packages/leveret/src/b.ts': `fail('LEV_WILD');\n` });
    expectFault('check-errors.mjs', 'docs/errors.md names LEV_GONE');
    expectFault('check-errors.mjs', 'packages/leveret/src/b.ts uses LEV_WILD');
  });

  it('clocks refuse a wait by the clock on the wall, and let stamps be', () => {
    const stamps =
      'const startedAt = this.#clock.now();\nfailedAt ??= clock.now();\nreturn { receivedAt: clock.now() };\n';
    put({ 'packages/core/src/time/deadline.ts': stamps });
    expect(run('check-clocks.mjs')).to.include({ code: 0 });
    put({ 'packages/core/src/time/deadline.ts': `${stamps}const dueAt = this.#clock.now() + timeoutMs;\n` });
    expectFault('check-clocks.mjs', 'dueAt = this.#clock.now() + timeoutMs');
    put({ 'packages/core/src/time/deadline.ts': 'const age = Date.now() - since;\n' });
    expectFault('check-clocks.mjs', 'age = Date.now() - since');
  });

  it('references refuse a project that tsc -b would not build', () => {
    put({ 'examples/shop/package.json': {}, 'examples/shop/tsconfig.json': {} });
    expectFault('check-references.mjs', 'does not reference examples/shop');
  });

  it('coverage refuses a stage under 90 %, though the total is above', () => {
    const stage = (covered) => ({ lines: { total: 100, covered } });
    put({
      'coverage/coverage-summary.json': {
        [join(clone, 'packages/core/src/errors/error-codes.ts')]: stage(100),
        [join(clone, 'packages/core/src/message/message.ts')]: stage(85),
        [join(clone, 'packages/leveret/src/app.ts')]: stage(100),
      },
    });
    expectFault('check-coverage.mjs', 'packages/core/src/message has 85.0 % of its lines covered');
  });

  it('coverage counts a file that no test loads', () => {
    put({ 'coverage/coverage-summary.json': { x: { lines: { total: 1, covered: 1 } } } });
    expectFault('check-coverage.mjs', 'packages/core/src/errors has 0.0 %');
  });
});

describe('the metadata of packages', () => {
  it('is complete in every public package, and missed where it is not', async () => {
    const { metadataFaults } = await import('./package-metadata.mjs');
    const { read, workspaces } = await import('./sources.mjs');
    const manifests = workspaces('packages').map((home) => [home, JSON.parse(read(`${home}/package.json`))]);
    for (const [home, manifest] of manifests.filter(([, { private: hidden }]) => !hidden)) {
      expect(metadataFaults(home, manifest)).to.deep.equal([]);
    }
    const [home, manifest] = manifests[0];
    for (const name of ['description', 'license', 'repository', 'bugs', 'homepage', 'keywords', 'publishConfig']) {
      const { [name]: _left, ...rest } = manifest;
      expect(metadataFaults(home, rest).join(), name).to.include('expected');
    }
    const elsewhere = { ...manifest, repository: { ...manifest.repository, directory: 'packages/other' } };
    expect(metadataFaults(home, elsewhere)).to.have.length(1);
  });
});

describe('the links of packed pages', () => {
  it('lead somewhere in every public package', async () => {
    const { linkFaults } = await import('./package-links.mjs');
    const { workspaces } = await import('./sources.mjs');
    const faults = workspaces('packages').flatMap((home) => linkFaults(home, ['README.md', 'LICENSE']));
    expect(faults).to.deep.equal([]);
  });

  it('are missed where they lead out of the package, to no file, or to no heading', () => {
    const web = 'https://github.com/leveret/leveret';
    put({
      'package.json': { homepage: `${web}#readme` },
      'docs/retry.md': '# Retry\n\n## In memory',
      'packages/core/README.md': [
        '# Core',
        '[a](../../docs/retry.md) [b](LICENSE) [c](#core) [d](#gone) [e](https://example.com/x)',
        `[f](${web}/blob/main/docs/retry.md#in-memory) [g](${web}/blob/main/docs/retry.md#gone)`,
        `[h](${web}/blob/main/docs/gone.md "title")`,
        '```ts\nconst list = all[0](first);\n```',
      ].join('\n\n'),
    });
    const code = `import('${join(scripts, 'package-links.mjs')}').then(({ linkFaults }) => console.log(linkFaults('packages/core', ['README.md', 'LICENSE']).join('\\n')))`;
    const { stdout } = spawnSync(process.execPath, ['-e', code], {
      env: { ...process.env, LEVERET_ROOT: clone },
      encoding: 'utf8',
    });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/^packages\/core\/README\.md: /, '')),
    ).to.deep.equal([
      `../../docs/retry.md is not packed: link to ${web}/blob/main/..., which is there for all readers`,
      '#gone has no heading #gone',
      `${web}/blob/main/docs/retry.md#gone has no heading #gone`,
      `${web}/blob/main/docs/gone.md is not there: the repository has no docs/gone.md`,
    ]);
  });
});

describe('reading imports', () => {
  it('finds every form of import and skips comments and templates', () => {
    const text = [
      `import a, { type B } from 'one';`,
      `import {\n  c,\n} from "two"; // import 'no'`,
      `export * from './three.js';`,
      `import 'four';`,
      `const d = await import('five');`,
      `type E = import('six').E;`,
      `/** import { f } from 'no'; */`,
      `const url = 'amqp://host'; import g from 'seven';`,
      'const h = `import i from "no";`;',
      `const j = require('eight');`,
    ].join('\n');
    expect(importsOf(text)).to.deep.equal(['one', 'two', './three.js', 'four', 'five', 'six', 'seven', 'eight']);
  });

  it('keeps strings that look like comments', () => {
    expect(code(`a('amqp://x'); // gone`).trim()).to.equal(`a('amqp://x');`);
  });
});

describe('the owners of dependencies, for what a package declares for development', () => {
  beforeEach(() => {
    put({ 'packages/sql/package.json': { name: '@leveret/sql', devDependencies: { pg: '8' } } });
  });

  it('let its tests import it', () => {
    put({ 'packages/sql/src/inbox.test.ts': `import pg from 'pg';\n` });
    expect(run('check-imports.mjs')).to.include({ code: 0 });
  });

  it('refuse a driver outside of tests', () => {
    put({ 'packages/sql/src/inbox.ts': `import pg from 'pg';\n` });
    expectFault('check-imports.mjs', 'packages/sql/src/inbox.ts imports pg, which belongs to no package');
  });
});
