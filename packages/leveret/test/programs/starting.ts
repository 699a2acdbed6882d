/**
 * A process whose start takes as long as a test wants: forked to be signalled while it starts. It does what the docs show and
 * nothing else, so that its exit code is that of any program.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Container } from 'inversify';
import { Leveret, silentLogger } from 'leveret';
import { orderListener } from '../support/order.js';
import type { StartingOptions } from '../support/starting-process.js';

const options = JSON.parse(process.env['STARTING_OPTIONS'] ?? '{}') as StartingOptions;
const say = (text: string) => process.send?.(text);

const Slow = orderListener({ queue: options.queue, id: 'slow' }, () => {});
const Quick = orderListener({ queue: options.queue, id: 'quick' }, async () => {
  say('handling');
  await delay(500);
  say('handled');
});
const container = new Container({ autobind: true });
container.bind(Slow).toDynamicValue(async () => {
  await delay(options.containerMs);
  return new Slow();
});

const starting = Leveret.start({
  connection: { urls: options.url, startTimeout: '1m' },
  shutdownHooks: true,
  container,
  listeners: options.containerMs > 0 ? [Slow] : [Quick],
  logger: silentLogger,
  onEvent: ({ type }) => say(type),
});
setImmediate(() => say('starting'));
process.channel?.unref();
await starting;
say('running');
