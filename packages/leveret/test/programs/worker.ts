/**
 * A consuming process: forked by tests that need one of its own, for signals, crashes and its exit code. Says what it
 * does over the IPC channel, and ends by itself once it is closed: what keeps it alive longer is a fault.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type DeliveryContext, Leveret, silentLogger } from 'leveret';
import { orderListener } from '../support/order.js';
import type { WorkerMessage, WorkerOptions } from '../support/worker-process.js';

const options = JSON.parse(process.env['WORKER_OPTIONS'] ?? '{}') as WorkerOptions;

async function handle(order: { readonly id: number }, context: DeliveryContext): Promise<void> {
  say({ type: 'start', id: order.id });
  context.signal.addEventListener('abort', () => say({ type: 'signal', id: order.id }));
  if (options.diesAt !== undefined) dieAt(order.id, options.diesAt);
  if (options.handlerMs > 0) await delay(options.handlerMs);
  say({ type: 'done', id: order.id });
}

function dieAt(id: number, last: number): void {
  if (id === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  if (id === last) process.kill(process.pid, 'SIGKILL');
}

function say(message: WorkerMessage): void {
  process.send?.(message);
}

const app = await Leveret.start({
  connection: { urls: options.url },
  listeners: [orderListener(options.listener, handle)],
  shutdownHooks: options.shutdownHooks ?? false,
  ...(options.shutdownTimeoutMs === undefined ? {} : { shutdownTimeout: options.shutdownTimeoutMs }),
  logger: silentLogger,
  onEvent: ({ type }) => say({ type: 'event', event: type }),
});
process.on('message', (command) => {
  if (command === 'close') void app.close();
});
// Waiting for commands must not keep it alive.
process.channel?.unref();
say({ type: 'ready' });
