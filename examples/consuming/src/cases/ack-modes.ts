import { Context, type DeliveryContext, Leveret, Listener, Payload } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queues = { none: name('simple.none'), manual: name('simple.manual'), auto: name('simple.auto') };

class SimpleListener {
  /** The broker forgets the message as soon as it has sent it. */
  @Listener({ queue: { name: queues.none, expires }, acknowledge: 'none' })
  onNone(text: string): void {
    say(`handler gets '${text}'`);
    if (text === 'bad') throw new Error('deliberately');
  }

  /** The handler settles each delivery itself. */
  @Listener({ queue: { name: queues.manual, expires }, acknowledge: 'manual' })
  onManual(@Payload() text: string, @Context() delivery: DeliveryContext): void {
    say(`handler gets '${text}', redelivered: ${delivery.redelivered}`);
    if (text === 'good') {
      say('handler calls ack()');
      delivery.ack();
    } else if (!delivery.redelivered) {
      say('handler calls requeue()');
      delivery.requeue();
    } else {
      say('handler calls reject()');
      delivery.reject();
    }
  }

  /** leveret settles: ack when the handler returns, back to the queue when it throws. */
  @Listener({ queue: { name: queues.auto, expires } })
  onAuto(@Payload() text: string, @Context() { redelivered }: DeliveryContext): void {
    say(`handler gets '${text}', redelivered: ${redelivered}`);
    if (text === 'bad' && !redelivered) throw new Error('deliberately');
  }
}

/** The three acknowledgement modes, each with a message that is handled and one whose handler fails. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({ ...broker, listeners: [SimpleListener], onEvent: outcomes.watch });
  const send = (queue: string, text: string) => app.publisher.sendToQueue(queue, text);

  say('none: a failing handler loses the message');
  await send(queues.none, 'good');
  await outcomes.until('handled', 1);
  await send(queues.none, 'bad');
  await outcomes.until('dropped', 1);

  say('manual: the handler calls ack(), requeue() or reject()');
  await send(queues.manual, 'good');
  await outcomes.until('handled', 2);
  await send(queues.manual, 'bad');
  await outcomes.until('handled', 4);

  say('auto: a failing handler puts the message back on the queue');
  await send(queues.auto, 'good');
  await outcomes.until('handled', 5);
  await send(queues.auto, 'bad');
  await outcomes.until('handled', 6);
}
