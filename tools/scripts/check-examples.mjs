/**
 * Examples are run by the tests as users run them, in a process of their own, and what they print is compared line by line
 * with `examples/<example>/expected/<program>.txt`, after ids, versions and measured times have been replaced.
 *
 *   node tools/scripts/check-examples.mjs            programs and expected texts belong together, one to one
 *   node tools/scripts/check-examples.mjs --write    runs all that end by themselves and writes what they print (look at it!)
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conclude, exists, files, read, root } from './sources.mjs';

/** Programs of an example that has several: one for each file in `src/cases/`. */
export function casesOf(example) {
  return files(`examples/${example}/src/cases`, /\.ts$/).map((file) => file.replace(/^.*\/|\.ts$/g, ''));
}

/**
 * Runs a program of an example to its end: `{ code, lines, errors }`, the lines normalised. A program that does not end
 * by itself is killed and has the code `undefined`.
 * @param program compiled file, from the root, such as `examples/demo/dist/demo.js`
 */
export function runExample(program, { args = [], env = {}, timeoutMs = 60_000, onLine = () => undefined } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', join(root, program), ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const before = out.stdout.lastIndexOf('\n') + 1;
      out.stdout += text;
      const complete = out.stdout.slice(before, out.stdout.lastIndexOf('\n') + 1);
      for (const line of complete.split('\n').filter(Boolean)) onLine(line, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      out.stderr += text;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? undefined, lines: normalised(out.stdout), errors: out.stderr });
    });
  });
}

/** The lines that a program is expected to print. */
export function expectedLines(example, program) {
  const file = `examples/${example}/expected/${program}.txt`;
  return exists(file) ? read(file).trimEnd().split('\n') : [`(there is no ${file})`];
}

/** What differs from run to run and from machine to machine, replaced. */
function normalised(text) {
  return text
    .trimEnd()
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/(?<=\brun |[.-])[0-9a-f]{6}\b/g, '<run>')
    .replace(/\b(RabbitMQ|leveret) \d+\.\d+\.\d+\S* at \S+/g, '$1 <version> at <host>,')
    .replace(/vhost '[^']*'/g, "vhost '<vhost>'")
    .replace(/~\d+(?:\.\d+)? (ms|s)\b/g, '~<n> $1')
    .split('\n')
    .map((line) => line.trimEnd());
}

function expectedTexts() {
  const texts = files('examples', /\.txt$/).filter((file) => /^examples\/[^/]+\/expected\//.test(file));
  return texts.map((file) => file.replace(/^examples\/|expected\/|\.txt$/g, ''));
}

async function write(example, program, run) {
  const { code, lines, errors } = await run;
  if (code !== 0) throw new Error(`${example} ${program} ended with ${code}\n${lines.join('\n')}\n${errors}`);
  const file = join(root, `examples/${example}/expected/${program}.txt`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`);
  console.log(`wrote ${file}`);
}

const ALONE = [['demo', 'demo']];
/** They run until a signal ends them: their tests know when, and their expected texts are written by hand. */
const SERVICES = [
  ['quick-start', 'quick-start'],
  ['trade-service', 'trade-service'],
];
const WITH_CASES = ['consuming', 'publishing'];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cases = WITH_CASES.flatMap((example) => casesOf(example).map((name) => [example, name]));
  if (process.argv.includes('--write')) {
    for (const [example, name] of ALONE) await write(example, name, runExample(`examples/${example}/dist/${name}.js`));
    for (const [example, name] of cases) {
      await write(
        example,
        name,
        // Without a management API, as most machines have it.
        runExample(`examples/${example}/dist/main.js`, { args: [name], env: { MANAGEMENT_URL: 'http://127.0.0.1:1' } }),
      );
    }
  }
  const wanted = [...ALONE, ...SERVICES, ...cases].map(([example, name]) => `${example}/${name}`);
  const expected = expectedTexts();
  conclude(`expected texts of examples (${wanted.length})`, [
    ...wanted.filter((each) => !expected.includes(each)).map((each) => `${each} has no expected text`),
    ...expected.filter((each) => !wanted.includes(each)).map((each) => `${each} is expected of no program`),
  ]);
}
