/**
 * What leveret costs before the first message: time to start, and memory per idle listener.
 *
 *   node tools/bench/idle.mjs            prints both
 *   node tools/bench/idle.mjs --run N    one process with N listeners, as JSON
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, runJson } from './lib/pairs.mjs';

const { values: options } = parseArgs({ options: { run: { type: 'string' } } });
const url = process.env.AMQP_URL ?? 'amqp://127.0.0.1';
const FEW = 1;
const MANY = 101;
const ROUNDS = 5;

if (options.run === undefined) await compare();
else console.log(JSON.stringify(await start(Number(options.run))));

async function compare() {
  const script = fileURLToPath(import.meta.url);
  const few = [];
  const many = [];
  for (let round = 0; round < ROUNDS; round++) {
    few.push(await runJson(script, ['--run', String(FEW)]));
    many.push(await runJson(script, ['--run', String(MANY)]));
  }
  const of = (results, key) => median(results.map((result) => result[key]));
  const perListener = ((of(many, 'heapKiB') - of(few, 'heapKiB')) / (MANY - FEW)).toFixed(1);
  console.log('idle:');
  console.log(
    `  loading leveret ${of(few, 'loadMs').toFixed(0)} ms, starting with 1 listener ${of(few, 'startMs').toFixed(0)} ms`,
  );
  console.log(
    `  starting with ${MANY} listeners ${of(many, 'startMs').toFixed(0)} ms, ${perListener} KiB of heap for each`,
  );
}

async function start(count) {
  const loadedAt = performance.now();
  const { Leveret, Listener, Payload, silentLogger } = await import('leveret');
  const loadMs = performance.now() - loadedAt;
  class Idle {}
  for (let n = 0; n < count; n++) {
    const name = `handle${n}`;
    Object.defineProperty(Idle.prototype, name, { value: () => {}, configurable: true, writable: true });
    Payload(Object)(Idle.prototype, name, 0);
    Listener({ queue: { name: `leveret.bench.idle.${process.pid}.${n}`, autoDelete: true, expires: '1m' } })(
      Idle.prototype,
      name,
      Object.getOwnPropertyDescriptor(Idle.prototype, name),
    );
  }
  const startedAt = performance.now();
  const app = await Leveret.start({ connection: { urls: [url] }, listeners: [Idle], logger: silentLogger });
  const startMs = performance.now() - startedAt;
  globalThis.gc?.();
  const heapKiB = process.memoryUsage().heapUsed / 1024;
  await app.close();
  return { loadMs, startMs, heapKiB };
}
