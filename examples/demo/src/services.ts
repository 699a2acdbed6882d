import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START_MS = 20_000;
const STOP_MS = 10_000;
const MAX_LOG = 2000;

/** The pay service and the trade service, each in a process and with a database of its own, until they are disposed of. */
export class Services implements AsyncDisposable {
  readonly payUrl: string;
  readonly tradeUrl: string;
  readonly #children: readonly ChildProcess[];
  readonly #folder: string;

  private constructor(urls: { pay: string; trade: string }, children: readonly ChildProcess[], folder: string) {
    this.payUrl = urls.pay;
    this.tradeUrl = urls.trade;
    this.#children = children;
    this.#folder = folder;
  }

  /** @param run what they call things on the broker by */
  static async start(amqpUrl: string, run: string): Promise<Services> {
    const folder = mkdtempSync(join(tmpdir(), 'leveret-demo-'));
    const children: ChildProcess[] = [];
    // Whatever ends this process ends them.
    process.once('exit', () => {
      for (const child of children) child.kill('SIGKILL');
    });
    const start = async (service: string, env: Readonly<Record<string, string>>) => {
      const child = spawn(
        process.execPath,
        [fileURLToPath(new URL(`../../${service}/dist/main.js`, import.meta.url))],
        {
          env: {
            ...process.env,
            AMQP_URL: amqpUrl,
            LEVERET_EXAMPLES_RUN: run,
            PORT: '0',
            DATABASE_URL: '',
            SQLITE_FILE: join(folder, `${service}.db`),
            ...env,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      children.push(child);
      return urlOf(service, child);
    };
    try {
      const pay = await start('pay-service', {});
      const trade = await start('trade-service', { PAY_SERVICE_URL: pay, POLL_EVERY: '3s' });
      return new Services({ pay, trade }, children, folder);
    } catch (error) {
      await stopAll(children, folder);
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return stopAll(this.#children, this.#folder);
  }
}

/** Resolves once the service says where it listens. */
function urlOf(service: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the ${service} was not ready within ${START_MS} ms`)), START_MS);
    let text = '';
    let log = '';
    // What failed on purpose is logged there as well: it is shown only if the service does not start.
    child.stderr?.setEncoding('utf8').on('data', (more: string) => {
      log = (log + more).slice(-MAX_LOG);
    });
    child.stdout?.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const [, url] = /is ready at (http:\S+)/.exec(text) ?? [];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the ${service} ended with ${code}: ${log}`)));
  });
}

async function stopAll(children: readonly ChildProcess[], folder: string): Promise<void> {
  await Promise.all(children.map(stop));
  rmSync(folder, { recursive: true, force: true });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}
