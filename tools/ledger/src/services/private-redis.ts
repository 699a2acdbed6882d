import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accepts, freePorts } from '../../../scripts/ports.mjs';
import { ownFolder } from './own-folder.js';

const START_LIMIT_MS = 20_000;

/** A Redis of its own that writes every change down before it answers, so that it may be killed and started again. */
export class PrivateRedis {
  readonly url: string;
  readonly #port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.#port = port;
    this.#folder = folder;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(): Promise<PrivateRedis> {
    const [port] = (await freePorts(1)) as [number];
    const made = new PrivateRedis(port, ownFolder('redis'));
    await made.up();
    return made;
  }

  async up(): Promise<void> {
    const settings = `--port ${this.#port} --bind 127.0.0.1 --dir ${this.#folder} --daemonize no --appendonly yes --appendfsync always --maxmemory-policy noeviction --pidfile ${join(this.#folder, 'redis.pid')}`;
    this.#process = spawn('redis-server', [...settings.split(' '), '--save', ''], { stdio: 'ignore' });
    const end = performance.now() + START_LIMIT_MS;
    while (!(await accepts('127.0.0.1', this.#port))) {
      if (performance.now() > end)
        throw new Error(`Redis on port ${this.#port} did not answer within ${START_LIMIT_MS} ms`);
      await delay(20);
    }
  }

  async down(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server === undefined || server.exitCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  /** Forgets every key. */
  async clear(): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#port });
    socket.write('FLUSHALL\r\n');
    await once(socket, 'data');
    socket.destroy();
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Why none can be started here, as one line; `undefined` when one can. */
export function whyNoRedis(): string | undefined {
  return spawnSync('redis-server', ['--version']).status === 0
    ? undefined
    : 'redis-server is not installed (apt-get install redis-server)';
}
