/**
 * `npm run fuzz`: messages by chance to an application that listens with a class, an array of them, without a class and for
 * bytes. Each must be handled or rejected, without an error outside of it, a lost connection, or a long stay in the event
 * loop. Ends with 1 when one was not.
 *
 *   npm run fuzz                                     60 s on an embedded broker, or on the RabbitMQ that AMQP_URL names
 *   npm run fuzz -- --seconds 600 --seed 7
 *   npm run fuzz -- --seed 7 --from 1234 --messages 1    one message of a finding again
 *   npm run fuzz -- --slow 250                       what counts as long, in milliseconds
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runFuzz } from '../../packages/leveret/dist-test/fuzz/run-fuzz.js';
import { readArguments } from '../scripts/arguments.mjs';

const { values } = readArguments(import.meta.url, {
  seconds: { type: 'number', default: 60 },
  seed: { type: 'number', default: 1 },
  from: { type: 'number', default: 0 },
  messages: { type: 'number', default: Number.POSITIVE_INFINITY },
  slow: { type: 'number', default: 250 },
});

/** In a process of its own: what the broker takes is not the application's. */
async function embeddedBroker() {
  const cli = fileURLToPath(new URL('../../packages/broker/dist/cli.js', import.meta.url));
  const child = spawn(process.execPath, [cli, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const [line] = await once(child.stdout, 'data');
  const url = /amqp:\S+/.exec(String(line))?.[0];
  if (url === undefined) throw new Error(`expected the broker to say where it listens, received ${line}`);
  return url;
}

const url = process.env.AMQP_URL ?? (await embeddedBroker());
console.log(`${process.env.AMQP_URL === undefined ? 'an embedded broker' : 'RabbitMQ'}, seed ${values.seed}`);
const report = await runFuzz({
  url,
  seed: values.seed,
  from: values.from,
  seconds: values.seconds,
  messages: values.messages,
  slowMs: values.slow,
  progress: (line) => console.log(`  ${line}`),
});
const { sent, handled, rejected, refused, slowestMs, seconds, findings } = report;
console.log(
  `${sent} messages in ${Math.round(seconds)} s: ${handled} handled, ${rejected} rejected, ${refused} refused by the broker; ` +
    `the slowest kept the event loop for ${slowestMs} ms`,
);
for (const finding of findings) console.log(`found: ${finding}`);
console.log(findings.length === 0 ? 'nothing found' : `${findings.length} found`);
process.exit(findings.length === 0 ? 0 : 1);
