/**
 * Private RabbitMQ nodes for tests: the one way in which this project installs, starts, kills and stops them.
 *
 *   node tools/scripts/brokers.mjs status                 which versions this machine can run
 *   node tools/scripts/brokers.mjs install [version...]   put 4.0 and 4.3 (or the versions named) under .brokers/
 *   node tools/scripts/brokers.mjs start [version] [port] run a node until Ctrl-C, then throw its data away
 *
 * Each node has its own ports, name, cookie and data folder and listens on loopback only, so a test may kill it without
 * anybody else noticing. Only Node built-ins are used: this file has to work before `npm ci`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterOptions, PrivateCluster } from './cluster.mjs';
import { MOUNT, PrivateNode, prepareNode } from './private-node.mjs';

export { accepts, speaksAmqp } from './ports.mjs';
export { MEMORY_FOLDER } from './private-node.mjs';

/** Debian's suites and the RabbitMQ each carries: three versions without a container engine. */
const SUITES = new Map([
  ['3.10', 'bookworm'],
  ['4.0', 'trixie'],
  ['4.3', 'sid'],
]);
const FOLDER = join(fileURLToPath(new URL('../..', import.meta.url)), '.brokers');

/** The versions that the tests are run against, oldest first. */
export const brokerVersions = [...SUITES.keys()];

/** The version started when none is named: `LEVERET_TEST_BROKER_VERSION`, else what the machine itself has, else 3.10. */
export function defaultVersion() {
  return process.env.LEVERET_TEST_BROKER_VERSION ?? versionIn('') ?? '3.10';
}

/** Why a version cannot be started here, as one line; `undefined` when it can. */
export function whyUnavailable(version = defaultVersion()) {
  if (versionIn('') === version) return undefined;
  if (versionIn(join(FOLDER, version)) !== version) {
    return `RabbitMQ ${version} is not installed: run 'node tools/scripts/brokers.mjs install ${version}' as root`;
  }
  return process.getuid?.() === 0 ? undefined : `RabbitMQ ${version} runs in a chroot, which only root may enter`;
}

/** Starts a private node and resolves once it answers AMQP. See brokers.d.mts for the options and for what is returned. */
export async function startNode(options = {}) {
  const version = options.version ?? defaultVersion();
  const reason = whyUnavailable(version);
  if (reason !== undefined) throw new Error(reason);
  const root = versionIn('') === version ? undefined : join(FOLDER, version);
  const node = new PrivateNode(version, root, await prepareNode(options, root));
  try {
    await node.start();
  } catch (error) {
    await node.remove();
    throw error;
  }
  return node;
}

/** Starts nodes that form one cluster, and resolves once all of them run in it. See brokers.d.mts. */
export async function startCluster({ nodes: count = 3, ...options } = {}) {
  const started = await Promise.allSettled(clusterOptions(count, options).map((each) => startNode(each)));
  const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const cluster = new PrivateCluster(nodes);
  try {
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    await cluster.formed();
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster;
}

function versionIn(root) {
  const folder = `${root}/usr/lib/rabbitmq/lib`;
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).map((name) => /^rabbitmq_server-(\d+\.\d+)\./.exec(name)?.[1]);
  return names.find((version) => version !== undefined);
}

/** Installs one version under .brokers/ from the Debian suite that carries it. Needs root and mmdebstrap. */
export async function installBroker(version) {
  const suite = SUITES.get(version);
  if (suite === undefined) throw new Error(`expected a version of ${brokerVersions.join(', ')}, received ${version}`);
  if (whyUnavailable(version) === undefined) return;
  if (process.getuid?.() !== 0) throw new Error(`installing RabbitMQ ${version} makes a chroot, which needs root`);
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = mkdtempSync(join(FOLDER, 'installing-'));
  try {
    await run('mmdebstrap', [
      '--quiet',
      '--variant=apt',
      '--include=rabbitmq-server',
      // A mirror of the moving suite may be older than its Release file allows; signatures are checked all the same.
      '--aptopt=Acquire::Check-Valid-Until "false"',
      ...['doc', 'man', 'locale'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
      // The package must not start a node of its own while it is installed.
      '--setup-hook=mkdir -p "$1/usr/sbin"',
      '--setup-hook=printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d"; chmod +x "$1/usr/sbin/policy-rc.d"',
      suite,
      unfinished,
    ]);
    await writeFile(join(unfinished, 'etc/hosts'), '127.0.0.1 localhost\n');
    await mkdir(join(unfinished, MOUNT), { recursive: true });
    const found = versionIn(unfinished);
    if (found !== version) throw new Error(`expected RabbitMQ ${version} in Debian ${suite}, received ${found}`);
    rmSync(join(FOLDER, version), { recursive: true, force: true });
    renameSync(unfinished, join(FOLDER, version));
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (error) =>
      reject(new Error(`${command} cannot be run (apt-get install ${command})`, { cause: error })),
    );
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

const commands = {
  status() {
    for (const version of brokerVersions) console.log(`${version.padEnd(5)} ${whyUnavailable(version) ?? 'ready'}`);
  },
  async install(...versions) {
    for (const version of versions.length > 0 ? versions : brokerVersions) {
      console.log(`installing RabbitMQ ${version}`);
      await installBroker(version);
    }
    commands.status();
  },
  async start(version = defaultVersion(), port = undefined) {
    const node = await startNode({
      version,
      plugins: ['rabbitmq_management'],
      ...(port === undefined ? {} : { port: Number(port) }),
    });
    console.log(
      `RabbitMQ ${version}, process ${node.pid}\n  AMQP_URL=${node.url}\n  management ${node.managementUrl}\nCtrl-C stops it`,
    );
    const signalled = new Promise((resolve) => {
      for (const name of ['SIGINT', 'SIGTERM']) process.once(name, resolve);
    });
    const alive = setInterval(() => undefined, 1 << 30);
    await signalled;
    clearInterval(alive);
    await node.stop();
    await node.remove();
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`expected one of ${Object.keys(commands).join(', ')}, received '${name}'`);
    process.exitCode = 2;
  } else {
    await command(...args);
  }
}
