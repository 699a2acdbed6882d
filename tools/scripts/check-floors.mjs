/**
 * Imports go down a floor, never up or sideways: between packages, and between the folders of core and of the broker
 * (floors.json). Unchecked, this drifts: two folders that import each other can no longer be read, tested or moved one at
 * a time.
 */
import { posix } from 'node:path';
import { conclude, files, importsOf, isTest, packageOf, read, workspaces } from './sources.mjs';

const floors = JSON.parse(read('tools/scripts/floors.json'));
const names = new Map(workspaces('packages').map((path) => [JSON.parse(read(`${path}/package.json`)).name, path]));
const faults = [];
let imports = 0;

const folderOf = (file) => /^packages\/[^/]+\/src\/([^/]+)\//.exec(file)?.[1];
const floorOf = (table, folder) => table.findIndex((floor) => floor.includes(folder));

function checkPackageImport(file, home, allowed, specifier) {
  const target = names.get(packageOf(specifier));
  if (target === undefined || target === home) return;
  const name = target.slice('packages/'.length);
  if (!allowed.includes(name)) {
    faults.push(`${file} imports ${specifier}: ${home} stands on ${allowed.join(', ') || 'nothing'}, not on ${name}`);
  }
}

function checkRelativeImport(file, home, table, specifier) {
  const target = posix.join(posix.dirname(file), specifier);
  if (!target.startsWith(`${home}/`)) {
    // Tests may use the project's own tooling, such as tools/scripts/brokers.mjs.
    if (!(isTest(file) && target.startsWith('tools/')))
      faults.push(`${file} imports ${specifier}, outside its package`);
    return;
  }
  const [from, to] = [folderOf(file), folderOf(target)];
  if (table === undefined || isTest(file) || from === undefined || from === to) return;
  if (to === undefined) faults.push(`${file} imports ${specifier}: a stage never imports the index above it`);
  else if (floorOf(table, to) >= floorOf(table, from)) {
    faults.push(
      `${file} imports ${specifier}: ${to} is not below ${from} (floors ${floorOf(table, to)}, ${floorOf(table, from)})`,
    );
  }
}

function checkFile(file, home, allowed, table) {
  for (const specifier of importsOf(read(file))) {
    imports += 1;
    if (specifier.startsWith('.')) checkRelativeImport(file, home, table, specifier);
    else checkPackageImport(file, home, allowed, specifier);
  }
}

for (const home of workspaces('packages')) {
  const name = home.slice('packages/'.length);
  const allowed = floors.packages[name];
  if (allowed === undefined) {
    faults.push(`${home} has no floor: add it to tools/scripts/floors.json`);
    continue;
  }
  const table = floors.folders[name];
  const sources = files(home, /\.[cm]?tsx?$/);
  const unknown = new Set(
    sources
      .filter((file) => !isTest(file))
      .map(folderOf)
      .filter((folder) => table && folder && floorOf(table, folder) < 0),
  );
  for (const folder of unknown) faults.push(`${home}/src/${folder} has no floor: add it to tools/scripts/floors.json`);
  for (const file of sources) if (!unknown.has(folderOf(file))) checkFile(file, home, allowed, table);
}
for (const home of workspaces('examples')) {
  for (const file of files(home, /\.[cm]?tsx?$/)) checkFile(file, home, floors.examples, undefined);
}

conclude(`floors of packages and folders (${imports} imports)`, faults);
