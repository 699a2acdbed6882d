import { namesOf } from '@leveret-examples/contracts';
import { Leveret, Listener, Message, silentLogger } from 'leveret';
import { Arrivals } from './arrivals.js';
import { expires } from './names.js';

/** Id of the listener that takes news away from the trade service. */
const THIEF = 'thief';

/** What goes over the broker between the services, for whoever watches it, repeats it, or takes it away. */
export class PayNews implements AsyncDisposable {
  readonly app: Leveret;
  readonly exchange: string;
  /** What the pay service published, by routing key and order, such as `pay.success 1`. */
  readonly published: Arrivals<Message>;
  /** What was taken away, by the same name. */
  readonly stolen: Arrivals<Message>;
  /** What the trade service parked, by the same name with the original routing key. */
  readonly parked: Arrivals<Message>;

  private constructor(
    app: Leveret,
    exchange: string,
    seen: Record<'published' | 'stolen' | 'parked', Arrivals<Message>>,
  ) {
    this.app = app;
    this.exchange = exchange;
    this.published = seen.published;
    this.stolen = seen.stolen;
    this.parked = seen.parked;
  }

  static async start(amqpUrl: string, run: string): Promise<PayNews> {
    const names = namesOf(run);
    const seen = {
      published: new Arrivals<Message>(),
      stolen: new Arrivals<Message>(),
      parked: new Arrivals<Message>(),
    };
    class Watching {
      @Listener({
        queue: { name: `${names.payExchange}.watched`, expires },
        bindings: ['pay.success', 'pay.refunded'].map((routingKey) => ({
          exchange: { name: names.payExchange, autoDelete: true },
          routingKey,
        })),
      })
      onPublished(@Message() message: Message): void {
        seen.published.arrive(nameOf(message, message.routingKey), message);
      }

      // Of two consumers of a queue, the broker gives messages to the one with the higher priority.
      @Listener({ id: THIEF, queue: names.tradePayQueue, declare: false, priority: 10, autoStart: false })
      onStolen(@Message() message: Message): void {
        seen.stolen.arrive(nameOf(message, message.routingKey), message);
      }

      @Listener({ queue: names.errorQueue, declare: false })
      onParked(@Message() message: Message): void {
        seen.parked.arrive(nameOf(message, String(message.headers['x-original-routingKey'])), message);
      }
    }
    const connection = { urls: amqpUrl, name: `leveret.demo.news.${run}` };
    const app = await Leveret.start({ connection, listeners: [Watching], logger: silentLogger });
    return new PayNews(app, names.payExchange, seen);
  }

  /** Takes the news of payments away from the trade service while `work` runs. */
  async stealing(work: () => Promise<void>): Promise<void> {
    const thief = this.app.listeners.get(THIEF);
    await thief.start();
    await work();
    await thief.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.app.close();
  }
}

function nameOf({ body }: Message, routingKey: string): string {
  const { orderId } = JSON.parse(body.toString()) as { readonly orderId: number };
  return `${routingKey} ${orderId}`;
}
