/**
 * A copy of what is compiled, in which files may be broken: the tree is only read. Packages of others are those of the tree, own
 * ones those of the copy.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/sources.mjs';

// Sources are copied, too: tests read what lies beside them, such as recorded errors, and compare some with the documents.
const SKIPPED = /(^|\/)(node_modules|coverage|dist-package)(\/|$)/;

export class Workplace {
  #root = mkdtempSync(join(tmpdir(), 'leveret-mutants-'));

  constructor() {
    for (const folder of ['packages', 'tools/scripts', 'tools/conformance']) {
      const keep = (from) => !SKIPPED.test(from.slice(root.length + 1));
      cpSync(join(root, folder), join(this.#root, folder), { recursive: true, filter: keep });
    }
    for (const file of ['package.json', '.mocharc.json']) cpSync(join(root, file), join(this.#root, file));
    symlinkSync(join(root, 'docs'), join(this.#root, 'docs'));
    const modules = join(root, 'node_modules');
    mkdirSync(join(this.#root, 'node_modules', '@leveret'), { recursive: true });
    const own = new Map();
    for (const name of readdirSync(join(this.#root, 'packages'))) {
      own.set(JSON.parse(this.read(`packages/${name}/package.json`)).name, name);
    }
    for (const name of readdirSync(modules)) {
      if (name === '@leveret' || own.has(name)) continue;
      symlinkSync(join(modules, name), join(this.#root, 'node_modules', name));
    }
    for (const [full, name] of own) {
      symlinkSync(join(this.#root, 'packages', name), join(this.#root, 'node_modules', full));
      const inner = join(root, 'packages', name, 'node_modules');
      try {
        readdirSync(inner);
        symlinkSync(inner, join(this.#root, 'packages', name, 'node_modules'));
      } catch {
        // It has none.
      }
    }
  }

  get path() {
    return this.#root;
  }

  read(file) {
    return readFileSync(join(this.#root, file), 'utf8');
  }

  write(file, text) {
    writeFileSync(join(this.#root, file), text);
  }

  dispose() {
    rmSync(this.#root, { recursive: true, force: true });
  }
}
