import { Leveret } from 'leveret';
import { broker, expires, name, say, sayResult } from '../example.js';

const [exchange, queue] = [name('hmall.direct'), name('hmall.queue')];

/** The broker's answer to a publish with the right key, a wrong key, and a wrong exchange. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({
    ...broker,
    publisher: { confirms: 'correlated', returns: true }, // the defaults
    topology: {
      queues: [{ name: queue, expires }],
      bindings: [{ exchange: { name: exchange, autoDelete: true }, queue, routingKey: 'q' }],
    },
  });
  const { publisher } = app;
  publisher.onConfirm(({ ack, reason }) =>
    say(ack ? '  confirm callback: ack' : `  confirm callback: nack, ${reason}`),
  );
  publisher.onReturn(({ replyCode, replyText }) => say(`  returns callback: ${replyCode} ${replyText}`));

  say('the right key: ack');
  await sayResult(publisher.publish(exchange, 'q', 'hello'));
  say('a wrong key: the message is returned, and acked all the same. leveret calls that a failure');
  await sayResult(publisher.publish(exchange, 'wrong', 'hello'));
  say('a wrong exchange: the broker closes the channel, and leveret opens another one');
  await sayResult(publisher.publish(name('missing.direct'), 'q', 'hello'));
  say('the right key again');
  await sayResult(publisher.publish(exchange, 'q', 'hello'));
}
