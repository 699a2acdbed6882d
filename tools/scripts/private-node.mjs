/** A RabbitMQ node as a process: prepared, started, watched, stopped and killed. brokers.mjs says which versions there are. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accepts, freePorts, speaksAmqp } from './ports.mjs';

/** Broker data on a shared disk would measure that disk's fsync and little else. */
export const MEMORY_FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

// Not /usr/sbin: the wrappers there change to the user rabbitmq and refuse everybody else.
const BIN = '/usr/lib/rabbitmq/bin';
/** Where a node's data folder is seen from inside a chroot. */
export const MOUNT = '/mnt/node';

/** One node of one installation; `startNode` of brokers.mjs finds the installation, brokers.d.mts describes the options. */
export class PrivateNode {
  #root;
  #setup;
  #timeoutMs;
  #child;
  #watchdog;
  #pid;

  constructor(version, root, setup) {
    this.#root = root;
    this.#setup = setup;
    this.#timeoutMs = setup.startTimeoutMs;
    this.version = version;
    this.port = setup.port;
    this.name = setup.name;
    this.dir = setup.dir;
    this.url = `amqp://guest:guest@127.0.0.1:${setup.port}`;
    // By name: certificates are made out to one.
    this.tlsUrl = setup.tlsPort && `amqps://guest:guest@localhost:${setup.tlsPort}`;
    this.managementUrl = setup.managementPort && `http://guest:guest@127.0.0.1:${setup.managementPort}`;
  }

  /** The process id of the Erlang machine itself, not of the shell around it; undefined while the node is down. */
  get pid() {
    return this.#pid;
  }

  async start() {
    if (this.#child !== undefined) return;
    // A pid file left by a killed node would name a stranger's process.
    rmSync(join(this.dir, 'pid'), { force: true });
    const console = openSync(join(this.dir, 'console.log'), 'w');
    const [command, args] = this.#inside(join(BIN, 'rabbitmq-server'), []);
    // Its own process group: a kill must reach the shell, the Erlang machine and its port programs together.
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', console, console],
      env: this.#setup.env,
    });
    closeSync(console);
    child.unref();
    this.#child = child;
    this.#watchdog = startWatchdog(child.pid, this.#setup.ownsDir ? this.dir : undefined);
    child.once('error', () => this.#forget(child));
    child.once('exit', () => this.#forget(child));
    try {
      await this.#answers();
      this.#pid = Number(await readFile(join(this.dir, 'pid'), 'utf8'));
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** SIGKILL, as a power cut would: nothing is flushed, no client is told. */
  async kill() {
    const child = this.#child;
    const pid = this.#pid;
    if (child === undefined) return;
    this.#forget(child);
    signal(-child.pid, 'SIGKILL');
    await until(() => !isAlive(child.pid) && !isAlive(pid), 10_000, `node ${this.name} is still there after SIGKILL`);
  }

  /** A clean stop: clients get connection.close 320. Killed when it takes longer than `timeoutMs`. */
  async stop(timeoutMs = 30_000) {
    const child = this.#child;
    const pid = this.#pid;
    if (child === undefined || pid === undefined) return this.kill();
    signal(pid, 'SIGTERM');
    try {
      await until(() => !isAlive(pid) && !isAlive(child.pid), timeoutMs, `node ${this.name} did not stop`);
      this.#forget(child);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Kills the node if it runs, and deletes its data folder if this script made it. */
  async remove() {
    await this.kill();
    if (this.#setup.ownsDir) await rm(this.dir, { recursive: true, force: true });
  }

  /** Runs rabbitmqctl against this node and resolves with what it printed. */
  ctl(...args) {
    return this.#run('rabbitmqctl', args);
  }

  /** Runs rabbitmq-plugins against this node and resolves with what it printed. */
  plugins(...args) {
    return this.#run('rabbitmq-plugins', args);
  }

  /**
   * Has what was declared so far written to disk. Before 4.3 the broker keeps declarations in a log that it writes later:
   * killed within seconds of a declaration, it forgets the queue and all that was confirmed for it.
   */
  async keepDeclarations() {
    if (this.version !== '4.3') await this.#call('mnesia sync_log []', ['eval', 'catch mnesia:sync_log().']);
  }

  /** Raises the memory alarm by a limit that any node exceeds, or ends it. */
  async memoryAlarm(raised) {
    const limit = raised ? '0.000001' : '0.6';
    const call = `vm_memory_monitor set_vm_memory_high_watermark [${limit}]`;
    await this.#call(call, ['set_vm_memory_high_watermark', limit]);
    // Connections are told behind the answer; what is asked of the same process comes behind that. A publish that came
    // before would be taken, and nobody would hear that the broker is blocked.
    await this.#call('rabbit_alarm get_alarms []', ['eval', 'rabbit_alarm:get_alarms().']);
  }

  /** Connections that stand stay, new ones need the new password. */
  async changePassword(user, password) {
    await this.ctl('change_password', user, password);
  }

  /** Calls a function of the node, for which rabbitmqctl would start a machine of its own; `otherwise` where that fails. */
  async #call(call, otherwise) {
    const cookie = await readFile(join(this.dir, 'home', '.erlang.cookie'), 'utf8');
    const args = ['-sname', this.name, '-c', cookie, '-a', call];
    const answer = await new Promise((resolve) => {
      execFile('erl_call', args, { env: this.#setup.env, timeout: 10_000 }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      );
    });
    if (answer === undefined || answer.includes('badrpc')) await this.ctl(...otherwise);
  }

  #run(tool, args) {
    const [command, argv] = this.#inside(join(BIN, tool), ['-q', ...args]);
    return new Promise((resolve, reject) => {
      execFile(command, argv, { env: this.#setup.env, timeout: 60_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else
          reject(new Error(`${tool} ${args.join(' ')} failed on ${this.name}: ${stderr || stdout || error.message}`));
      });
    });
  }

  // A mount namespace of its own for each process: /proc and the data folder appear in the chroot for it alone, several
  // nodes can share one installation, and nothing stays mounted afterwards.
  #inside(command, args) {
    if (this.#root === undefined) return [command, args];
    const script = `mount -t proc proc "$0/proc" && mount --bind "$1" "$0${MOUNT}" && shift && exec chroot "$0" "$@"`;
    return ['unshare', ['-m', 'sh', '-c', script, this.#root, this.dir, command, ...args]];
  }

  async #answers() {
    const died = () => {
      if (this.#child === undefined)
        throw new Error(`node ${this.name} ended while starting:\n${consoleHead(this.dir)}`);
    };
    const late = () => `node ${this.name} did not answer within ${this.#timeoutMs} ms:\n${consoleHead(this.dir)}`;
    await until(() => died() ?? speaksAmqp('127.0.0.1', this.port), this.#timeoutMs, late);
    if (this.managementUrl === undefined) return;
    await until(() => died() ?? accepts('127.0.0.1', this.#setup.managementPort), this.#timeoutMs, late);
  }

  #forget(child) {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#pid = undefined;
    this.#watchdog.kill('SIGKILL');
  }
}

/** Writes the data folder of a node and resolves with what it is started with. */
export async function prepareNode(options, root) {
  const plugins = options.plugins ?? [];
  const ownsDir = options.dir === undefined;
  const dir = options.dir ?? mkdtempSync(join(options.within ?? tmpdir(), 'leveret-rabbitmq-'));
  const [amqp, dist, management, tls] = await freePorts(4);
  const port = options.port ?? amqp;
  const name = `${options.name ?? `leveret-${randomBytes(4).toString('hex')}`}@localhost`;
  const tlsPort = options.tls && tls;
  const managementPort = plugins.includes('rabbitmq_management') ? management : undefined;
  const seen = root === undefined ? dir : MOUNT;

  await mkdir(join(dir, 'home'), { recursive: true });
  const cookie = join(dir, 'home', '.erlang.cookie');
  if (!existsSync(cookie)) {
    await writeFile(cookie, options.cookie ?? randomBytes(15).toString('hex').toUpperCase());
    await chmod(cookie, 0o400);
  }
  const lines = ['log.console = false', 'log.file.level = warning'];
  // Written only with the plugin: without it the key is unknown and the node refuses to start.
  if (managementPort) lines.push(`management.tcp.port = ${managementPort}`, 'management.tcp.ip = 127.0.0.1');
  if (tlsPort) lines.push(`listeners.ssl.default = 127.0.0.1:${tlsPort}`, ...(await tlsLines(options.tls, dir, seen)));
  await writeFile(join(dir, 'rabbitmq.conf'), `${lines.join('\n')}\n${options.conf ?? ''}\n`);
  await writeFile(join(dir, 'advanced.config'), '[].\n');
  await writeFile(join(dir, 'enabled_plugins'), `[${plugins.join(',')}].\n`);

  const env = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: join(seen, 'home'),
    // @localhost: independent of what the machine is called.
    RABBITMQ_NODENAME: name,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(dist),
    // The tools' default is the node's port plus 10000, which may lie above 65535.
    RABBITMQ_CTL_DIST_PORT_MIN: '35672',
    RABBITMQ_CTL_DIST_PORT_MAX: '35772',
    // Else /etc/rabbitmq's file is read, which belongs to the machine's own node.
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(seen, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(seen, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(seen, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(seen, 'data'),
    RABBITMQ_LOG_BASE: join(seen, 'log'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(seen, 'config'),
    RABBITMQ_PID_FILE: join(seen, 'pid'),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // Else a node that cannot start leaves its dump in the folder of whoever started it.
    ERL_CRASH_DUMP: join(seen, 'erl_crash.dump'),
    // Busy wait on: on a small machine a node starts in 4 to 6 s with it, and in 9 to 12 s without.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '+sbwt medium +sbwtdcpu medium +sbwtdio medium -kernel inet_dist_use_interface {127,0,0,1}',
  };
  return { dir, ownsDir, name, port, tlsPort, managementPort, env, startTimeoutMs: options.startTimeoutMs ?? 60_000 };
}

async function tlsLines(tls, dir, seen) {
  const files = { cacertfile: tls.ca, certfile: tls.cert, keyfile: tls.key };
  for (const [name, pem] of Object.entries(files)) await writeFile(join(dir, `${name}.pem`), pem);
  return [
    ...Object.keys(files).map((name) => `ssl_options.${name} = ${join(seen, `${name}.pem`)}`),
    `ssl_options.verify = ${tls.clientCertificate ? 'verify_peer' : 'verify_none'}`,
    `ssl_options.fail_if_no_peer_cert = ${tls.clientCertificate === 'required'}`,
  ];
}

// A test process may be killed before it could stop its nodes. This shell holds the reading end of a pipe whose writing
// end only we have: when we are gone, however we went, it reads the end of file and clears up.
function startWatchdog(group, dir) {
  const script = 'cat >/dev/null; kill -KILL "-$0"; [ -z "$1" ] || { sleep 1; rm -rf "$1"; }';
  const shell = spawn('sh', ['-c', script, String(group), dir ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.stdin.unref();
  shell.stdin.on('error', () => undefined);
  return shell;
}

// From the beginning: the cause stands before Erlang's long account of what it ended.
function consoleHead(dir) {
  const file = join(dir, 'console.log');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, 60).join('\n') : '(no output)';
}

export async function until(condition, timeoutMs, message) {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(typeof message === 'string' ? message : message());
    await delay(25);
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function isAlive(pid) {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A zombie still answers to signal 0; where init does not reap, it would do so for ever.
  const file = `/proc/${pid}/stat`;
  try {
    return !/\) [ZX] /.test(readFileSync(file, 'utf8'));
  } catch {
    return !existsSync('/proc/self/stat');
  }
}
