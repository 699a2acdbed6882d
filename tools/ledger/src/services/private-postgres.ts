import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../../scripts/ports.mjs';
import { ownFolder } from './own-folder.js';

const run = promisify(execFile);
const START_LIMIT_MS = 60_000;

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
    const bin = binFolder();
    if (bin === undefined) throw new Error(whyNoPostgres());
    const folder = ownFolder('pg');
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
