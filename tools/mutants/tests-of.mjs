/** Which tests of a package can notice a change of a file: those that import it, the quick ones first, and of these the nearest. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { files, root } from '../scripts/sources.mjs';

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g;
const TEST = /\.test\.js$/;

/** @param {string} name of a package, as `core` */
export function testsByFile(name) {
  const compiled = files(`packages/${name}/dist`, /\.js$/, new Set());
  const importers = new Map();
  for (const file of compiled) {
    for (const [, path] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const imported = normalize(join(dirname(file), path));
      importers.set(imported, [...(importers.get(imported) ?? []), file]);
    }
  }
  return (file) => nearestTests(file, importers);
}

function nearestTests(file, importers) {
  const seen = new Set([file]);
  const tests = [];
  for (let level = [file]; level.length > 0; ) {
    level = level.flatMap((each) => importers.get(each) ?? []).filter((each) => !seen.has(each) && seen.add(each));
    tests.push(...level.filter((each) => TEST.test(each)));
  }
  const isNear = (each) => dirname(each) === dirname(file);
  const isSituation = (each) => basename(each).startsWith('when-');
  const units = tests.filter((each) => !isSituation(each));
  return {
    units: [units.filter(isNear), units.filter((each) => !isNear(each))],
    situations: tests.filter(isSituation),
  };
}
