/**
 * Imports go down a floor, never up or sideways: between packages, and between the folders of each (floors.json). Nor do files
 * import each other in a circle, imports of types included. Unchecked, this drifts: what imports each other can no longer be
 * read, tested or moved one at a time.
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

/** Notes each circle of files that import each other, by the shortest way round. */
function checkCircles(sources) {
  const known = new Set(sources);
  const graph = new Map(sources.map((file) => [file, importedBy(file).filter((target) => known.has(target))]));
  const told = new Set();
  for (const start of sources) {
    const circle = wayBack(start, graph);
    if (circle === undefined || circle.some((file) => told.has(file))) continue;
    for (const file of circle) told.add(file);
    faults.push(`files import each other in a circle: ${[...circle, start].map(shortName).join(' → ')}`);
  }
}

function importedBy(file) {
  const relative = importsOf(read(file)).filter((specifier) => specifier.startsWith('.'));
  return relative.map((specifier) => posix.join(posix.dirname(file), specifier).replace(/\.(m?)js$/, '.$1ts'));
}

/** The files on the shortest way from one file back to it, itself first; `undefined` when there is none. */
function wayBack(start, graph) {
  const cameFrom = new Map();
  const waiting = [start];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    for (const target of graph.get(file)) {
      if (target === start) {
        const way = [file];
        for (let at = file; at !== start; at = cameFrom.get(at)) way.unshift(cameFrom.get(at));
        return way;
      }
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, file);
      waiting.push(target);
    }
  }
  return undefined;
}

function shortName(file) {
  return file.replace(/^packages\/([^/]+)\/src\//, '$1/');
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
  if (table === undefined) faults.push(`${home} has no floors for its folders: add them to tools/scripts/floors.json`);
  for (const file of sources) if (!unknown.has(folderOf(file))) checkFile(file, home, allowed, table);
  checkCircles(sources);
}
for (const home of workspaces('examples')) {
  for (const file of files(home, /\.[cm]?tsx?$/)) checkFile(file, home, floors.examples, undefined);
}

conclude(`floors of packages and folders (${imports} imports)`, faults);
