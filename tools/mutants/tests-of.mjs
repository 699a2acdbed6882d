/** The tests of a package, and which of them can notice a change of a file while they are loaded: those that import it. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { files, root } from '../scripts/sources.mjs';

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g;
const TEST = /\.test\.js$/;
const NOTHING = new Set();
/** Tests of a package that stand elsewhere, as what the embedded broker has shown beside RabbitMQ. */
const ELSEWHERE = { broker: ['tools/conformance/dist'] };

/** Unit tests, and with `situations` those with a broker; @param {string} name of a package, as `core` */
export function testsIn(name, situations) {
  const folders = [`packages/${name}/dist`, `packages/${name}/dist-test`, ...(ELSEWHERE[name] ?? [])];
  const all = folders.flatMap((folder) => files(folder, TEST, NOTHING));
  const isSituation = (each) => basename(each).startsWith('when-') || /\/dist-test\/|^tools\//.test(each);
  return situations ? all : all.filter((each) => !isSituation(each));
}

/** @returns {(file: string) => string[]} */
export function importersIn(name) {
  const importers = new Map();
  for (const file of files(`packages/${name}/dist`, /\.js$/, NOTHING)) {
    for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const imported = normalize(join(dirname(file), path));
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
    }
  }
  return (file) => {
    const seen = new Set([file]);
    for (const each of seen) for (const importer of importers.get(each) ?? []) seen.add(importer);
    return [...seen].filter((each) => TEST.test(each));
  };
}
