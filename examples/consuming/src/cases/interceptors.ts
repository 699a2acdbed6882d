import {
  type DeliveryContext,
  type Interceptor,
  Leveret,
  Listener,
  type Next,
  Payload,
  UseInterceptors,
} from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('intercepted');

/** A function is the shortest form. */
async function everywhere({ listenerId }: DeliveryContext, next: Next): Promise<unknown> {
  say(`global: before ${listenerId}`);
  try {
    return await next();
  } finally {
    say('global: after');
  }
}

/** A class is made by the container, and can have dependencies. */
class Audit implements Interceptor {
  async intercept({ attempt }: DeliveryContext, next: Next): Promise<unknown> {
    say(`class: attempt ${attempt} begins`);
    return next();
  }
}

/** What an interceptor throws counts as thrown by the handler. */
async function firstAttemptFails({ attempt }: DeliveryContext, next: Next): Promise<unknown> {
  if (attempt === 1) throw new Error('the method interceptor says no');
  return next();
}

@UseInterceptors(Audit)
class InterceptedListener {
  @Listener({ queue: { name: queue, expires }, retry: { initialInterval: '50ms' } })
  @UseInterceptors(firstAttemptFails)
  onMessage(@Payload() text: string): void {
    say(`handler gets '${text}'`);
  }
}

/** Advice around a handler, for each attempt: the global ones, then the class's, then the method's. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({
    ...broker,
    listeners: [InterceptedListener],
    interceptors: [everywhere],
    onEvent: outcomes.watch,
  });
  await app.publisher.sendToQueue(queue, 'hello');
  await outcomes.until('handled');
}
