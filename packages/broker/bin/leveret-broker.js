#!/usr/bin/env node
// npm links to this file when a checkout is installed, which is before it is built.
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write('This checkout is not built yet: npx tsc -b packages/broker, then again.\n');
  process.exitCode = 1;
}
