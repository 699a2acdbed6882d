/**
 * `npm run bench [-- NAME...] [OPTIONS]`: all of these, or those named; options go to each that is run.
 *
 *   consume   consuming beside amqplib by hand
 *   publish   confirmed publishing beside amqplib by hand
 *   idle      what leveret costs before the first message
 *   hostile   what the worst message costs that the default limits let in
 *   broker    the embedded broker beside a RabbitMQ 3.10 that it starts for itself
 *   relay     the relay of an outbox with a million rows, on PostgreSQL, MariaDB and SQLite; only when it is named
 *   purge     handlers with an inbox beside the purge of a million rows; only when it is named
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const url = process.env.AMQP_URL ?? 'amqp://127.0.0.1';
const benches = { consume: [], publish: ['--url', url], idle: [], hostile: [], broker: [] };
// Takes minutes, and databases that the others do not need.
const byNameOnly = { relay: [], purge: [] };

const args = process.argv.slice(2);
const firstOption = args.findIndex((arg) => arg.startsWith('-'));
const named = firstOption === -1 ? args : args.slice(0, firstOption);
const options = firstOption === -1 ? [] : args.slice(firstOption);
const unknown = named.find((name) => !Object.hasOwn({ ...benches, ...byNameOnly }, name));

if (unknown === undefined) run(named.length > 0 ? named : Object.keys(benches));
else {
  console.error(`expected one of ${Object.keys({ ...benches, ...byNameOnly }).join(', ')}; received '${unknown}'`);
  process.exitCode = 2;
}

function run(names) {
  console.log(`on ${new URL(url).host}, Node ${process.version}\n`);
  for (const name of names) {
    const path = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
    const { status } = spawnSync(process.execPath, [path, ...(benches[name] ?? []), ...options], { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
