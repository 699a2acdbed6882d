import { Context, type DeliveryContext, type Leveret, type LeveretEvent, Listener, republish } from 'leveret';
import { expires, names } from './names.js';
import { step } from './trace.js';

const ORDERS = 20;

/** What the orders are for: down until somebody says otherwise. */
const warehouse = { isDown: true, picked: new Set<string>() };

/** Four at a time, which all fail: that is enough to see that it is not their fault. */
export class WarehouseListener {
  @Listener({
    id: 'warehouse',
    queue: { name: names.warehouseQueue, type: 'classic', expires },
    concurrency: 4,
    retry: { maxAttempts: 3, initialInterval: '200ms' },
    recoverer: republish(names.errorExchange, 'error'),
    killSwitch: { activeAt: 4, pause: '300ms' },
  })
  onOrder(@Context() { message }: DeliveryContext): void {
    if (warehouse.isDown) throw new Error('the warehouse does not answer');
    warehouse.picked.add(message.messageId ?? '');
  }
}

/** Twenty good messages come in an outage. None of them belongs in an error queue. */
export async function outage({ app }: { readonly app: Leveret }): Promise<string> {
  const seen = new Watch(app);
  step('warehouse', 'is down', 'red');
  await Promise.all(Array.from({ length: ORDERS }, (_, id) => app.publisher.sendToQueue(names.warehouseQueue, { id })));
  step('publisher', `has published ${ORDERS} orders`);
  const paused = await seen.first('listener-paused');
  step('leveret', `pauses the listener: ${paused.reason}`, 'yellow');
  step('leveret', `health: ${app.health().status}`);
  await seen.first('listener-probed');
  step('leveret', 'tries one order: it fails, and the others are left alone', 'yellow');
  warehouse.isDown = false;
  step('warehouse', 'is back', 'green');
  await seen.first('listener-resumed');
  step('leveret', 'tries one order: it succeeds, and the listener goes on', 'green');
  while (warehouse.picked.size < ORDERS && seen.count('recovered') === 0) await seen.first('handled');
  return `${warehouse.picked.size} handled, ${seen.count('recovered')} in the error queue`;
}

type EventOf<T extends LeveretEvent['type']> = Extract<LeveretEvent, { readonly type: T }>;

/** What happens to the listener of the warehouse, in its order. */
class Watch {
  readonly #events: LeveretEvent[] = [];
  #woken: () => void = () => {};

  constructor(app: Leveret) {
    app.on((event) => {
      if (!('listenerId' in event) || event.listenerId !== 'warehouse') return;
      this.#events.push(event);
      this.#woken();
    });
  }

  count(type: LeveretEvent['type']): number {
    return this.#events.filter((event) => event.type === type).length;
  }

  /** The first of a type that nobody has asked for yet. */
  async first<T extends LeveretEvent['type']>(type: T): Promise<EventOf<T>> {
    for (;;) {
      const at = this.#events.findIndex((event) => event.type === type);
      if (at >= 0 && type !== 'recovered') return this.#events.splice(at, 1)[0] as EventOf<T>;
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }
}
