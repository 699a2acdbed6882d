/**
 * `npm run bench [-- NAME...] [OPTIONS]`: leveret beside amqplib by hand and its other peers, in turn, in fresh processes, on one
 * broker. Without a name all cases; a name is a case (json, class, nested, bytes, publish-1, publish-256, publish-all, request,
 * await-io, latency, start, once-memory, once-redis, listeners, large), a group (consume, publish, idle), `goals` (what is to be
 * reached, beside what is; leveret and the control only, SQL too), or one of the programs that are only run when named:
 *
 *   hostile   what the worst message costs that the default limits let in
 *   broker    the embedded broker beside a RabbitMQ 3.10 that it starts for itself
 *   relay     the relay of an outbox with a million rows, on PostgreSQL, MariaDB and SQLite
 *   purge     handlers with an inbox beside the purge of a million rows
 *   inbox     inbox and relay in SQL beside the same statements by hand
 *
 *   --quick             ends within 60 s: fewer messages, one round, leveret and the control
 *   --rounds 5          rounds
 *   --scale 1           part of the messages
 *   --only a,b          these subjects beside the control
 *   --out tools/bench/results   where bench.json and bench.svg go
 *   --disk              a broker of its own keeps its files on the disk of temporary files, and not in memory, where there is such a
 *                       folder: what waits for a confirm waits for that disk then, and varies with it
 *   --docs              writes the tables of docs/performance.md, and the chart
 *
 * The broker is a private RabbitMQ node where one is installed, else AMQP_URL (which wins when it is set), else the one on this machine.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { readArguments } from '../scripts/arguments.mjs';
import { MEMORY_FOLDER, startNode, whyUnavailable } from '../scripts/brokers.mjs';
import { CASES, METRICS, PEERS } from './lib/cases.mjs';
import { chart } from './lib/chart.mjs';
import { installLeveret } from './lib/install-leveret.mjs';
import { installPeers } from './lib/install-peers.mjs';
import { goalsTable, markdown, table } from './lib/report.mjs';
import { runCases } from './lib/run-cases.mjs';
import { sqlGoals } from './lib/sql-goals.mjs';
import { goalsOf, summarize } from './lib/summary.mjs';

const PROGRAMS = ['hostile', 'broker', 'relay', 'purge', 'inbox'];
const GROUPS = {
  consume: ['bytes', 'json', 'class', 'nested'],
  publish: ['publish-1', 'publish-256', 'publish-all'],
  idle: ['start', 'listeners'],
};
const QUICK_MS = 55_000;
/** Then no further round is begun with `goals`; the first is always run, and SQL comes behind. */
const GOALS_MS = 8 * 60_000;

const args = process.argv.slice(2);
if (PROGRAMS.includes(args[0])) runProgram(args[0], args.slice(1));
else await compare();

function runProgram(name, rest) {
  const path = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...rest], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

async function compare() {
  const { values: options, positionals } = readArguments(
    import.meta.url,
    {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'number' },
      scale: { type: 'number' },
      only: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
      disk: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
    },
    { positionals: true },
  );
  const began = performance.now();
  const isGoals = positionals.includes('goals');
  const names = casesOf(positionals);
  if (names === undefined) return;
  const { rounds, scale, only, forMs } = planOf(options, isGoals);
  if ((only ?? PEERS).some((name) => PEERS.includes(name))) installPeers();
  await installLeveret();
  const { url, files, stop } = await broker(options.disk);
  const stopping = new AbortController();
  const onSignal = () => {
    process.exitCode = 130;
    stopping.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, onSignal);
  mkdirSync(options.out, { recursive: true });
  try {
    const where = { ...(await machine(url)), files };
    const say = (line) => console.log(line);
    const results = await runCases({
      names,
      url,
      redisUrl: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
      rounds,
      wholeRounds: isGoals && !options.quick ? 1 : 0,
      scale,
      only,
      deadline: began + forMs,
      say,
      measured: (sofar) => write(options.out, where, sofar),
      signal: stopping.signal,
    });
    const withSql = isGoals && !options.quick;
    const more = withSql ? await sqlGoals({ rounds, scale, say, signal: stopping.signal }) : [];
    const goals = [...goalsOf(summarize(results), names), ...more];
    report(where, results, goals, { ...options, docs: options.docs && !stopping.signal.aborted });
  } finally {
    await stop();
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, onSignal);
  }
}

function planOf({ quick, rounds, scale, only }, isGoals) {
  const usual = { rounds: 5, scale: 1, only: undefined, forMs: Number.POSITIVE_INFINITY };
  const forGoals = isGoals ? { rounds: 3, only: ['leveret'], forMs: GOALS_MS } : {};
  const forQuick = quick ? { rounds: 1, scale: 0.1, only: ['leveret'], forMs: QUICK_MS } : {};
  const plan = { ...usual, ...forGoals, ...forQuick };
  return {
    ...plan,
    rounds: rounds ?? plan.rounds,
    scale: scale ?? plan.scale,
    only: only?.split(',') ?? plan.only,
  };
}

function casesOf(named) {
  const all = Object.keys(CASES);
  const unknown = named.find((name) => name !== 'goals' && !Object.hasOwn({ ...CASES, ...GROUPS }, name));
  if (unknown !== undefined) {
    const known = [...all, ...Object.keys(GROUPS), 'goals', ...PROGRAMS];
    console.error(`expected one of ${known.join(', ')}; received '${unknown}'`);
    process.exitCode = 2;
    return undefined;
  }
  const withGoals = all.filter((name) => CASES[name].goals !== undefined || CASES[name].limits !== undefined);
  const wanted = named.flatMap((name) => (name === 'goals' ? withGoals : (GROUPS[name] ?? [name])));
  return wanted.length === 0 ? all : all.filter((name) => wanted.includes(name));
}

async function broker(isOnDisk) {
  const given = process.env.AMQP_URL;
  if (given !== undefined || whyUnavailable() !== undefined) {
    return { url: given ?? 'amqp://guest:guest@127.0.0.1', stop: async () => {} };
  }
  console.log('starting a broker of its own');
  const node = await startNode(isOnDisk ? {} : { within: MEMORY_FOLDER });
  return { url: node.url, files: isOnDisk ? tmpdir() : MEMORY_FOLDER, stop: () => node.remove() };
}

async function machine(url) {
  const connection = await connect(url);
  const { version } = connection.connection.serverProperties;
  await connection.close();
  const { model } = cpus()[0];
  return {
    node: process.version,
    rabbitmq: version,
    cpu: model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

function report(where, results, goals, { out, docs, quick }) {
  const summary = summarize(results);
  const caption = captionOf(where);
  console.log(`\n${caption}${quick ? ', quick: figures of one short round are no more than a sign of life' : ''}`);
  console.log(table(summary));
  console.log(goalsTable(goals));
  write(out, where, results);
  console.log(`\nwritten: ${out}/bench.json, bench.svg`);
  if (!docs) return;
  writeFileSync(new URL('../../docs/performance.svg', import.meta.url), chart(summary, caption));
  writeBetweenMarks('docs/performance.md', pageOf(caption, summary, goals));
  const picture = '[![CPU per message beside amqplib by hand](docs/performance.svg)](docs/performance.md)';
  writeBetweenMarks('README.md', `${picture}\n\nMeasured by \`npm run bench\`; [all figures](docs/performance.md).`);
}

/** Also after each measurement: whoever ends it has what there is by then. */
function write(out, where, results) {
  const summary = summarize(results);
  writeFileSync(`${out}/bench.json`, `${JSON.stringify({ ...where, summary, results }, null, 2)}\n`);
  writeFileSync(`${out}/bench.svg`, chart(summary, captionOf(where)));
}

function captionOf({ cores, cpu, node, rabbitmq, files }) {
  return `${cores} cores (${cpu}), Node ${node}, RabbitMQ ${rabbitmq}${files === undefined ? '' : ` with its files in ${files}`}`;
}

function pageOf(caption, summary, goalRows) {
  const measured = Object.keys(METRICS).filter((metric) =>
    Object.keys(summary).some((name) => CASES[name].metrics.includes(metric)),
  );
  const sections = measured.map((metric) => {
    const { title, unit } = METRICS[metric];
    return `### ${title[0].toUpperCase()}${title.slice(1)} (${unit})\n\n${markdown(summary, metric)}`;
  });
  const goals = `### Goals\n\n\`\`\`\n${goalsTable(goalRows).trim()}\n\`\`\``;
  const picture = '![CPU per message beside amqplib by hand](performance.svg)';
  return [`Measured on ${caption}: ${versions()}.`, picture, ...sections, without(summary), goals]
    .filter(Boolean)
    .join('\n\n');
}

/** Of what is measured, as it is installed. */
function versions() {
  const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const { packages } = read('../../package-lock.json');
  const peers = read('peers/package-lock.json').packages;
  const names = ['rabbitmq-client', 'amqp-connection-manager', 'rascal', '@golevelup/nestjs-rabbitmq', '@nestjs/core'];
  const all = [
    `leveret ${packages['packages/leveret'].version}`,
    `amqplib ${packages['node_modules/amqplib'].version}`,
    ...names.map((name) => `${name} ${peers[`node_modules/${name}`].version}`),
  ];
  return all.join(', ');
}

/** What has no figures, and why. */
function without(summary) {
  const rows = Object.entries(summary).flatMap(([name, subjects]) =>
    Object.entries(subjects).flatMap(([subject, { error }]) =>
      error === undefined ? [] : [`- ${CASES[name].title}: ${subject} ${error}`],
    ),
  );
  return rows.length === 0 ? '' : `Without a figure:\n\n${rows.join('\n')}`;
}

function writeBetweenMarks(path, text) {
  const page = new URL(`../../${path}`, import.meta.url);
  const marked = /(<!-- bench -->\n)[\s\S]*(<!-- \/bench -->)/;
  const written = readFileSync(page, 'utf8').replace(marked, (_all, begin, end) => `${begin}\n${text}\n\n${end}`);
  writeFileSync(page, written);
}
