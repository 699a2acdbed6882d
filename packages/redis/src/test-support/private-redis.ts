import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';

/** `before(needsRedisServer)` skips a describe where no Redis can be started, and says so; with `CI=true` it fails instead. */
export async function needsRedisServer(this: { skip(): never }): Promise<void> {
  if (process.env['LEVERET_SKIP_REDIS']) this.skip();
  const reason = await promisify(execFile)('redis-server', ['--version']).then(
    () => undefined,
    () => 'redis-server cannot be run, which these tests start nodes of',
  );
  if (reason === undefined) return;
  if (process.env['CI'] === 'true') throw new Error(`expected a Redis to start: ${reason}`);
  console.log(`    skipped: ${reason}`);
  this.skip();
}

const FOLLOWS_WITHIN_MS = 10_000;

/** A Redis of its own, on loopback, that may be made a replica, filled and stopped. */
export class PrivateRedis implements AsyncDisposable {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;
  /** For whoever manages the server. */
  readonly admin: Redis;

  private constructor(port: number, server: ChildProcess, folder: string) {
    this.port = port;
    this.#process = server;
    this.#folder = folder;
    this.admin = new Redis(port, '127.0.0.1', {
      maxRetriesPerRequest: null,
      retryStrategy: () => 20,
      commandTimeout: 10_000,
    });
    this.admin.on('error', () => {});
  }

  static async start(): Promise<PrivateRedis> {
    const chosen = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'leveret-redis-'));
    const fixed =
      `--port ${chosen} --bind 127.0.0.1 --dir ${folder} --appendonly no --repl-diskless-sync-delay 0`.split(' ');
    const server = spawn('redis-server', [...fixed, '--save', ''], { stdio: 'ignore' });
    const started = new PrivateRedis(chosen, server, folder);
    await started.admin.ping();
    return started;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Makes this one a replica of another, and waits until it is. */
  async follow(primary: PrivateRedis): Promise<void> {
    await this.admin.replicaof('127.0.0.1', primary.port);
    const deadline = performance.now() + FOLLOWS_WITHIN_MS;
    while (!/master_link_status:up/.test(await this.admin.info('replication'))) {
      if (performance.now() > deadline) throw new Error(`no replica within ${FOLLOWS_WITHIN_MS} ms`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.disconnect();
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
