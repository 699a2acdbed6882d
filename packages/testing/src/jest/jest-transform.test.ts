import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import preset from './jest-preset.cjs';
import transformer from './jest-transform.cjs';

const require = createRequire(import.meta.url);
const rootDir = fileURLToPath(new URL('../../../../', import.meta.url));

const SOURCE = `
import { createRequire } from 'node:module';
import { EventEmitter } from 'node:events';
const require = createRequire(import.meta.url);
export class Own extends EventEmitter {}
export const place = import.meta.url;
export const sep = require('node:path').sep;
export const later = () => import('node:os');
`;

describe('the preset of Jest', () => {
  const transformed = new RegExp(Object.keys(preset.transform)[0] ?? '');
  const ignored = new RegExp(preset.transformIgnorePatterns[0] ?? '');

  it('has packages transformed that are ES modules, wherever npm and pnpm put them, and no others', () => {
    for (const path of [
      '/app/node_modules/leveret/dist/index.js',
      '/app/node_modules/@leveret/core/dist/index.js',
      '/app/node_modules/@inversifyjs/core/lib/index.js',
      '/app/node_modules/.pnpm/@leveret+core@0.1.0/node_modules/@leveret/core/dist/index.js',
      '/app/node_modules/.pnpm/inversify@8.2.3_reflect-metadata@0.2.2/node_modules/inversify/lib/index.js',
    ]) {
      expect(transformed.test(path), path).to.equal(true);
      expect(ignored.test(path), path).to.equal(false);
    }
    for (const path of [
      '/app/node_modules/leveret-like/index.js',
      '/app/node_modules/class-validator/cjs/index.js',
      '/app/node_modules/.pnpm/amqplib@2.3.1/node_modules/amqplib/channel_api.js',
    ]) {
      expect(transformed.test(path), path).to.equal(false);
      expect(ignored.test(path), path).to.equal(true);
    }
    expect(transformed.test('/app/src/leveret/service.js')).to.equal(false);
  });

  it('names a transformer that is there', () => {
    expect(require(Object.values(preset.transform)[0] ?? '')).to.equal(transformer);
  });
});

describe('the transformer of Jest', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'leveret-jest-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes of an ES module a CommonJS one that knows its place', async () => {
    const { code } = transformer.process(SOURCE, join(folder, 'own.js'), { config: { rootDir } });
    const file = join(folder, 'own.cjs');
    writeFileSync(file, code);
    const own = require(file);
    expect(own.place).to.equal(pathToFileURL(file).href);
    expect(own.sep).to.equal(require('node:path').sep);
    expect(new own.Own()).to.be.instanceOf(require('node:events').EventEmitter);
    expect(await own.later()).to.have.property('cpus');
    expect(code).not.to.match(/\bimport\(/);
  });

  it('knows what was transformed before by its text, its place and its compiler', () => {
    const key = (source: string, path: string) => transformer.getCacheKey(source, path, { config: { rootDir } });
    expect(key('a', '/b')).to.equal(key('a', '/b'));
    expect(new Set([key('a', '/b'), key('b', '/b'), key('a', '/c')]).size).to.equal(3);
  });

  it('says what to install where there is no compiler, and passes over a TypeScript that cannot do it', () => {
    const modules = join(folder, 'node_modules');
    mkdirSync(modules);
    symlinkSync(join(rootDir, 'node_modules/typescript'), join(modules, 'typescript'));
    expect(() => transformer.process(SOURCE, 'own.js', { config: { rootDir: folder } })).to.throw(
      /one of @swc\/core, typescript, esbuild .*npm install --save-dev @swc\/core/,
    );
  });

  it('passes on what a compiler throws while it is loaded', () => {
    const broken = join(folder, 'node_modules/@swc/core');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'index.js'), `throw new Error('no binary for this machine');`);
    expect(() => transformer.process(SOURCE, 'own.js', { config: { rootDir: folder } })).to.throw('no binary');
  });
});
