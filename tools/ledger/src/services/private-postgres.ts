import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chown, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../../scripts/ports.mjs';

const run = promisify(execFile);
/** Databases and ledgers on a shared disk would measure that disk's fsync and little else. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const START_LIMIT_MS = 60_000;
const PREFIX = 'leveret-ledger-pg-';

/**
 * A PostgreSQL of its own with its data in memory: its sessions may be ended and it may be restarted without anybody else
 * noticing. It notes when each transaction was committed.
 */
export class PrivatePostgres {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #bin: string;

  private constructor(folder: string, port: number, bin: string) {
    this.#folder = folder;
    this.#port = port;
    this.#bin = bin;
    this.url = `postgres://ledger@127.0.0.1:${port}/postgres`;
  }

  static async start(): Promise<PrivatePostgres> {
    await clearUp();
    const bin = binFolder();
    if (bin === undefined) throw new Error(whyNoPostgres());
    const folder = mkdtempSync(join(MEMORY, PREFIX));
    // Who comes after a run that was killed finds out by it that nobody needs the folder.
    writeFileSync(join(folder, 'owner'), `${process.pid}`);
    const data = join(folder, 'data');
    mkdirSync(data, { mode: 0o700 });
    const user = await systemUser();
    if (user !== undefined) {
      await chown(folder, user, -1);
      await chown(data, user, -1);
    }
    const [port] = (await freePorts(1)) as [number];
    const made = new PrivatePostgres(folder, port, bin);
    await made.#as('initdb', '-D', data, '-U', 'ledger', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C');
    const settings = [
      'listen_addresses = 127.0.0.1',
      `unix_socket_directories = '${folder}'`,
      'track_commit_timestamp = on',
      'max_connections = 200',
      'shared_buffers = 64MB',
      'max_wal_size = 512MB',
    ];
    writeFileSync(
      join(data, 'postgresql.auto.conf'),
      `${settings.join('\n').replace('= 127.0.0.1', "= '127.0.0.1'")}\nport = ${port}\n`,
    );
    await made.up();
    return made;
  }

  async up(): Promise<void> {
    await this.#as(
      'pg_ctl',
      '-D',
      join(this.#folder, 'data'),
      '-l',
      join(this.#folder, 'log'),
      '-w',
      '-t',
      '60',
      'start',
    );
    const end = performance.now() + START_LIMIT_MS;
    for (;;) {
      const client = new pg.Client({ connectionString: this.url });
      client.on('error', () => undefined);
      const answers = await client
        .connect()
        .then(() => client.end().then(() => true))
        .catch(() => false);
      if (answers) return;
      if (performance.now() > end)
        throw new Error(`PostgreSQL on port ${this.#port} did not answer within ${START_LIMIT_MS} ms`);
      await delay(50);
    }
  }

  /** Every session is ended without a word, as at a crash; what was committed is kept. */
  async down(): Promise<void> {
    await this.#as('pg_ctl', '-D', join(this.#folder, 'data'), '-m', 'immediate', '-w', 'stop');
  }

  async remove(): Promise<void> {
    await this.down().catch(() => undefined);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #as(program: string, ...args: string[]): Promise<void> {
    await asUser(join(this.#bin, program), args);
  }
}

/** Why none can be started here, as one line; `undefined` when one can. */
export function whyNoPostgres(): string | undefined {
  return binFolder() === undefined ? "PostgreSQL's initdb is not installed (apt-get install postgresql)" : undefined;
}

function binFolder(): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const folders = [
    ...versions
      .sort()
      .reverse()
      .map((version) => `/usr/lib/postgresql/${version}/bin`),
    '/usr/local/bin',
    '/usr/bin',
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')));
}

// PostgreSQL refuses to run as root.
async function systemUser(): Promise<number | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { stdout } = await run('id', ['-u', 'postgres']);
  return Number(stdout);
}

async function asUser(program: string, args: readonly string[]): Promise<void> {
  const user = await systemUser();
  const [command, argv] =
    user === undefined ? [program, args] : ['setpriv', [`--reuid=${user}`, '--clear-groups', program, ...args]];
  await new Promise<void>((resolve, reject) => {
    // Not a pipe: the server would inherit it, and it would never end.
    const child = spawn(command, argv as string[], { stdio: 'ignore', cwd: '/' });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ${args.join(' ')} ended with ${code}`)),
    );
  });
}

/** Ends and deletes what runs left behind that were killed themselves. */
async function clearUp(): Promise<void> {
  for (const name of await readdir(MEMORY)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(MEMORY, name);
    const owner = Number(readIfThere(join(folder, 'owner')) ?? 0);
    if (owner === 0 || isAlive(owner)) continue;
    const postmaster = Number(readIfThere(join(folder, 'data/postmaster.pid'))?.split('\n')[0] ?? 0);
    if (postmaster > 0 && isPostgres(postmaster)) process.kill(postmaster, 'SIGQUIT');
    await delay(200);
    rmSync(folder, { recursive: true, force: true });
  }
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// The number may be another process's by now.
function isPostgres(pid: number): boolean {
  return (readIfThere(`/proc/${pid}/cmdline`) ?? '').includes('postgres');
}
