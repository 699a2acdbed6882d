import { decorator, placeOf } from './decorator-place.js';
import type { ClassOrMethodDecorator } from './decorator-types.js';

/**
 * Says where a returned value is sent when the message asks for no reply itself (`replyTo`). A method's own wins over
 * its class's.
 *
 * | address | exchange | routing key |
 * |---|---|---|
 * | `orders/paid` | `orders` | `paid` |
 * | `orders/` | `orders` | empty |
 * | `paid`, `/paid` | the default exchange | `paid`: the queue of that name |
 *
 * @param address `exchange/routingKey`; the first `/` divides
 */
export function SendTo(address: string): ClassOrMethodDecorator {
  return decorator((target, key, descriptor) => {
    const place = placeOf('@SendTo', target, key, descriptor);
    if (place.kind !== 'misplaced') place.record.sendTo.unshift(address);
  });
}
