/**
 * Which services the tests can reach, and the environment that tells them. For each one that does not answer, a variable
 * LEVERET_SKIP_… holds the reason; tests that need it are skipped by needs.mjs. With CI=true a missing one is a failure.
 */
import { spawnSync } from 'node:child_process';
import { accepts, speaksAmqp, whyUnavailable } from './brokers.mjs';
import { chromiumPath } from './chromium.mjs';
import { exists } from './sources.mjs';

const always = () => true;
const SERVICES = [
  {
    name: 'RabbitMQ',
    skip: 'LEVERET_SKIP_RABBITMQ',
    url: 'AMQP_URL',
    default: 'amqp://guest:guest@127.0.0.1:5672',
    needed: always,
    answers: speaksAmqp,
  },
  { name: 'private RabbitMQ nodes', skip: 'LEVERET_SKIP_PRIVATE_BROKERS', needed: always, why: whyUnavailable },
  {
    name: 'PostgreSQL',
    skip: 'LEVERET_SKIP_POSTGRES',
    url: 'POSTGRES_URL',
    default: 'postgres://root@127.0.0.1:5432/test',
    needed: () => exists('packages/sql/package.json'),
    answers: accepts,
  },
  {
    name: 'MariaDB',
    skip: 'LEVERET_SKIP_MARIADB',
    url: 'MARIADB_URL',
    default: 'mysql://root@127.0.0.1:3306/test',
    needed: () => exists('packages/sql/package.json'),
    answers: accepts,
  },
  {
    name: 'Redis',
    skip: 'LEVERET_SKIP_REDIS',
    url: 'REDIS_URL',
    default: 'redis://127.0.0.1:6379',
    needed: () => exists('packages/redis/package.json'),
    answers: accepts,
  },
  {
    name: 'Chromium',
    skip: 'LEVERET_SKIP_CHROMIUM',
    needed: () => exists('packages/console/package.json'),
    why: () => (chromiumPath() === undefined ? 'no browser is installed (apt-get install chromium)' : undefined),
  },
  {
    name: 'bash',
    skip: 'LEVERET_SKIP_BASH',
    needed: () => exists('packages/cli/package.json'),
    why: () => (spawnSync('bash', ['--version']).status === 0 ? undefined : 'it is not installed'),
  },
];

const DEFAULT_PORTS = { 'amqp:': 5672, 'amqps:': 5671 };

/** Asks every service that the present packages need: `{ env, missing }`, the environment for mocha and the reasons. */
export async function probeServices() {
  const env = {};
  const missing = [];
  for (const service of SERVICES.filter((each) => each.needed())) {
    const url = service.url && (process.env[service.url] ?? service.default);
    if (url !== undefined) env[service.url] = url;
    const reason =
      process.env[service.skip] || (service.why === undefined ? await whyMissing(service, url) : service.why());
    if (!reason) continue;
    env[service.skip] = reason;
    missing.push(`${service.name}: ${reason}`);
  }
  return { env, missing };
}

/** The environment of a run without any service: everything that needs one is skipped. */
export function withoutServices(reason) {
  return Object.fromEntries(SERVICES.map((service) => [service.skip, reason]));
}

async function whyMissing(service, url) {
  const { hostname, port, protocol } = new URL(url);
  const number = Number(port) || DEFAULT_PORTS[protocol];
  if (await service.answers(hostname, number)) return undefined;
  return `nothing answers at ${hostname}:${number} (set ${service.url} to use another)`;
}
