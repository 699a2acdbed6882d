/**
 * One package per outside dependency: only its owner imports it, so that it can be replaced in one place, and what is
 * imported at run time is declared in that package's package.json, or users would not get it.
 */
import { builtinModules } from 'node:module';
import { conclude, files, importsOf, isTest, packageOf, read, workspaces } from './sources.mjs';

const OWNERS = {
  amqplib: 'packages/amqplib',
  'reflect-metadata': 'packages/leveret',
  inversify: 'packages/leveret',
  'class-validator': 'packages/leveret',
  'class-transformer': 'packages/leveret',
  croner: 'packages/leveret',
  ioredis: 'packages/redis',
  commander: 'packages/cli',
  preact: 'packages/console',
  '@nestjs/common': 'packages/nestjs',
  '@nestjs/core': 'packages/nestjs',
  rxjs: 'packages/nestjs',
  '@babel/parser': 'packages/nestjs-codemod',
  'magic-string': 'packages/nestjs-codemod',
};
const TEST_TOOLS = ['mocha', 'chai', 'sinon', 'fast-check', 'esbuild', 'playwright-core', 'axe-core'];
// What is bundled into files for a browser: nobody installs its dependencies.
const BUNDLED = /^packages\/console\/page\//;
// Situation tests look at queues from the outside, past leveret; the broker's tests prove that any client can connect.
const BROKER_TESTS = /^packages\/[^/]+\/test\/|^packages\/(?:broker|amqplib)\/src\/(?:test-support\/|.*\.test\.ts$)/;
// What a user of leveret imports too. Not amqplib: an example that needs it shows a hole in leveret.
// What the examples of other containers are about; nothing that is published knows them.
const CONTAINERS = ['awilix', 'tsyringe', 'typed-inject'];
const EXAMPLES = ['reflect-metadata', 'inversify', 'class-validator', 'class-transformer', 'zod', 'libsql', 'pg'];

// What the examples of NestJS are written with. They are built and run where all of that is installed (tools/nest).
const NEST = /^(?:@nestjs\/|@golevelup\/nestjs-rabbitmq$|@prisma\/|typeorm$|rxjs$)/;

const own = new Set(workspaces('packages').map((path) => JSON.parse(read(`${path}/package.json`)).name));
// Examples share the classes of their messages, as services do.
const examples = new Set(workspaces('examples').map((path) => JSON.parse(read(`${path}/package.json`)).name));
const faults = [];
let imports = 0;

function outside(file) {
  return importsOf(read(file))
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .map(packageOf)
    .filter((name) => !builtinModules.includes(name));
}

function checkPackageFile(file, home, dependencies, forDevelopment) {
  const forTests = isTest(file);
  const declared = BUNDLED.test(file) ? [...dependencies, ...forDevelopment] : dependencies;
  for (const name of outside(file)) {
    imports += 1;
    if (forTests && (TEST_TOOLS.includes(name) || own.has(name))) continue;
    if (forTests && name === 'amqplib' && BROKER_TESTS.test(file)) continue;
    // A situation test of leveret declares payload classes and containers as its users do; tests of another package may
    // use what it declares for development alone, such as the drivers that its users bring.
    if (forTests && [...dependencies, ...forDevelopment].includes(name)) continue;
    if (!own.has(name) && OWNERS[name] !== home) {
      faults.push(
        `${file} imports ${name}, which belongs to ${OWNERS[name] ?? 'no package: name its owner in check-imports.mjs'}`,
      );
    } else if (!declared.includes(name) && name !== packageNameOf(home)) {
      faults.push(`${file} imports ${name}, which ${home}/package.json does not declare`);
    }
  }
}

function packageNameOf(home) {
  return JSON.parse(read(`${home}/package.json`)).name;
}

for (const home of workspaces('packages')) {
  const manifest = JSON.parse(read(`${home}/package.json`));
  const dependencies = [...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.peerDependencies ?? {})];
  for (const name of dependencies) {
    if (!own.has(name) && OWNERS[name] !== home)
      faults.push(`${home}/package.json depends on ${name}, which it does not own`);
  }
  const forDevelopment = Object.keys(manifest.devDependencies ?? {});
  for (const file of files(home, /\.[cm]?tsx?$/)) checkPackageFile(file, home, dependencies, forDevelopment);
}
for (const file of files('examples', /\.[cm]?tsx?$/)) {
  for (const name of outside(file)) {
    imports += 1;
    const allowed =
      own.has(name) ||
      examples.has(name) ||
      EXAMPLES.includes(name) ||
      (file.startsWith('examples/containers/') && CONTAINERS.includes(name)) ||
      (file.startsWith('examples/nest-') && NEST.test(name)) ||
      (file.endsWith('.test.ts') && TEST_TOOLS.includes(name));
    if (!allowed)
      faults.push(`${file} imports ${name}: examples use ${EXAMPLES.join(', ')} and leveret's packages only`);
  }
}

conclude(`owners of outside dependencies (${imports} imports)`, faults);
