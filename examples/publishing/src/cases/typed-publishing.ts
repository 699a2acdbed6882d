import { Leveret, PublishTo } from 'leveret';
import { broker, expires, name, say, sayResult } from '../example.js';

const [exchange, queue] = [name('stock.topic'), name('stock.queue')];

/** A class can say where its instances go. */
@PublishTo<StockChanged>(exchange, ({ sku }) => `stock.${sku}`)
class StockChanged {
  constructor(
    readonly sku: string,
    readonly left: number,
  ) {}
}

/** Instances are published without an address, one by one or many at a time. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({
    ...broker,
    topology: {
      queues: [{ name: queue, expires }],
      bindings: [{ exchange: { name: exchange, type: 'topic', autoDelete: true }, queue, routingKey: 'stock.tea.*' }],
    },
  });
  await sayResult(app.publisher.publish(new StockChanged('tea.green', 3)));

  say('a batch has one result for each message');
  const results = await app.publisher.publishAll([new StockChanged('tea.black', 7), new StockChanged('coffee', 1)]);
  for (const result of results) say(`  ${result.status}`);
}
