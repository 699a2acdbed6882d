/**
 * `npm run demo`, `npm run bench` and `npm run soak` in a fresh clone: installs and builds what is missing, then runs the
 * program named, with the arguments after it, and ends as it ends.
 */
import { spawn } from 'node:child_process';
import { prepare } from './prepare.mjs';
import { exists, root } from './sources.mjs';

const [program, ...args] = process.argv.slice(2);
try {
  await prepare();
  if (program === undefined || !exists(program)) throw new Error(`expected a program to run, received '${program}'`);
  const child = spawn(process.execPath, ['--enable-source-maps', program, ...args], { cwd: root, stdio: 'inherit' });
  // Ctrl-C reaches the program from the terminal; passed on as well it would count as a second one. We only wait.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
