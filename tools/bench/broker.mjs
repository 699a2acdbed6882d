/**
 * The embedded broker beside a RabbitMQ 3.10 of its own, amqplib as the client: throughput as ratios of runs in turn, and
 * what a million held messages weigh.
 *
 *   npm run bench -- broker [--messages 60000] [--rounds 5] [--flags persistent,transient] [--held 1000000]
 *
 * Both get the same messages with the same flags and the same acks. With `persistent` RabbitMQ also writes to disk, which
 * the embedded broker never does; `transient` leaves that out of the comparison. Every client is a fresh process.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { readArguments } from '../scripts/arguments.mjs';
import { startNode, whyUnavailable } from '../scripts/brokers.mjs';
import { median, ratio, runJson, showRatio } from './lib/pairs.mjs';

const worker = fileURLToPath(new URL('broker-worker.mjs', import.meta.url));
const { values: options } = readArguments(import.meta.url, {
  messages: { type: 'number', default: 60000 },
  rounds: { type: 'number', default: 5 },
  flags: { type: 'string', default: 'persistent,transient' },
  held: { type: 'number', default: 1000000 },
});
const PHASES = [
  ['published', 'published, confirmed'],
  ['consumed', 'consumed, acknowledged'],
  ['passed', 'both at once'],
];

const reason = whyUnavailable('3.10');
if (reason === undefined) await compareAll();
else console.log(`the embedded broker is beside nothing: ${reason}`);
if (options.held > 0) await weigh();

async function compareAll() {
  const node = await startNode({ version: '3.10' });
  try {
    for (const flags of options.flags.split(',')) await compare(node.url, flags);
  } finally {
    await node.remove();
  }
}

async function compare(rabbitUrl, flags) {
  const rabbit = [];
  const inside = [];
  const apart = [];
  for (let round = 0; round < options.rounds; round++) {
    rabbit.push(await runJson(worker, ['client', rabbitUrl, options.messages, flags]));
    inside.push(await runJson(worker, ['inside', options.messages, flags]));
    apart.push(await withBroker(({ url }) => runJson(worker, ['client', url, options.messages, flags])));
  }
  console.log(`embedded broker beside RabbitMQ 3.10, ${flags}, ${options.messages} messages, ${options.rounds} rounds`);
  console.log(row('messages per second', 'RabbitMQ', 'one process', 'ratio', 'two processes', 'ratio'));
  for (const [phase, title] of PHASES) {
    const rate = (results) => median(results.map((one) => one[phase])).toFixed(0);
    const beside = (results) => showRatio(ratio(results, rabbit, (one) => one[phase]));
    console.log(row(title, rate(rabbit), rate(inside), beside(inside), rate(apart), beside(apart)));
  }
}

async function weigh() {
  await withBroker(async ({ url, memory }) => {
    const before = await memory();
    const { bodyBytes } = await runJson(worker, ['fill', url, options.held]);
    const after = await memory();
    const rss = ({ rssMiB }) => `${rssMiB.toFixed(0)} MiB`;
    console.log(
      `${options.held} held messages of ${bodyBytes} bytes: RSS of the broker ${rss(after)}, ${rss(before)} empty`,
    );
  });
}

async function withBroker(work) {
  const child = fork(worker, ['broker'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      ended.then(() => Promise.reject(new Error('the process of the embedded broker ended'))),
    ]);
    return message;
  };
  try {
    const { url } = await answer();
    const memory = () => {
      child.send('memory');
      return answer();
    };
    return await work({ url, memory });
  } finally {
    child.kill();
    await ended;
  }
}

function row(title, ...cells) {
  const [rabbit, inside, insideRatio, apart, apartRatio] = cells;
  const columns = [rabbit.padStart(10), inside.padStart(13), insideRatio.padStart(20), apart.padStart(15)];
  return `  ${title.padEnd(24)}${columns.join('')}${apartRatio.padStart(20)}`;
}
