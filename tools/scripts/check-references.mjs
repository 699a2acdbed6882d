/**
 * Every TypeScript project is referenced by the root's tsconfig.json: one that is not would silently not be built by
 * `tsc -b`, and its tests would not run.
 */
import { conclude, exists, read, workspaces } from './sources.mjs';

const referenced = JSON.parse(read('tsconfig.json')).references.map((each) => each.path.replace(/^\.\//, ''));
const homes = [...workspaces('packages'), ...workspaces('examples')];
const projects = [
  ...homes,
  ...homes.map((home) => `${home}/test`),
  'tools/bench',
  'tools/conformance',
  'tools/ledger',
  'examples',
].filter((path) => exists(`${path}/tsconfig.json`));
const faults = projects
  .filter((path) => !referenced.includes(path))
  .map((path) => `tsconfig.json does not reference ${path}: add { "path": "${path}" }`);
for (const home of homes.filter((path) => exists(`${path}/test`) && !exists(`${path}/test/tsconfig.json`))) {
  faults.push(`${home}/test has no tsconfig.json, so nothing compiles it`);
}

conclude(`TypeScript projects (${projects.length})`, faults);
