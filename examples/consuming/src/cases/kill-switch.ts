import { Leveret, Listener, Payload, republish } from 'leveret';
import { broker, expires, name, say } from '../example.js';

const queue = name('picking');
const parked = name('picking.parked');
const warehouse = { isDown: true };

class PickingListener {
  @Listener({
    id: 'picking',
    queue: { name: queue, type: 'classic', expires },
    concurrency: 4,
    retry: { maxAttempts: 3, initialInterval: '100ms' },
    recoverer: republish('', parked),
    killSwitch: { activeAt: 4, pause: '200ms' },
  })
  onOrder(@Payload() _order: string): void {
    if (warehouse.isDown) throw new Error('the warehouse does not answer');
  }
}

/** What every message needs is down: the listener pauses, tries one at a time, and parks nothing. A person can pause it, too. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({
    ...broker,
    topology: { queues: [{ name: parked, expires }] },
    listeners: [PickingListener],
  });
  const happened = (type: string) =>
    new Promise<void>((resolve) => app.on((event) => event.type === type && resolve()));
  const picking = app.listeners.get('picking');

  say('the warehouse is down, and ten orders come');
  const paused = happened('listener-paused');
  await Promise.all(Array.from({ length: 10 }, (_, id) => app.publisher.sendToQueue(queue, `order ${id}`)));
  await paused;
  const { state, paused: why } = picking.inspect();
  say(`the listener is ${state} by its ${why?.by}: ${why?.reason}`);
  await happened('listener-probed');
  say('one order was tried, and failed');

  const resumed = happened('listener-resumed');
  warehouse.isDown = false;
  await resumed;
  say('the warehouse is back: one order was tried, and succeeded');
  while (picking.inspect().counts.handled < 10) await happened('handled');
  const { handled, recovered } = picking.inspect().counts;
  say(`handled: ${handled}, parked: ${recovered}`);

  await picking.pause({ reason: 'stocktaking' });
  say(`a person pauses it: ${picking.inspect().paused?.reason}; health is ${app.health().status}`);
  const consuming = happened('consuming');
  picking.resume();
  await consuming;
  say(`a person resumes it: ${picking.state}`);
}
