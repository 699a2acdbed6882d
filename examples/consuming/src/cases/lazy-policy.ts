import { Leveret, LeveretError, type LeveretOptions, Listener, lazyPolicy, silentLogger } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('lazy-queue');

class LazyListener {
  @Listener({ queue: { name: queue, expires } })
  onMessage(text: string): void {
    say(`handler gets '${text}'`);
  }
}

/**
 * Arguments of a queue that exists cannot be changed; a policy can make it lazy all the same. Policies go over the
 * management HTTP API: port 15672 of the broker's host, or `MANAGEMENT_URL`. This is what
 * `rabbitmqctl set_policy Lazy "^lazy-queue$" '{"queue-mode":"lazy"}' --apply-to queues` does.
 */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  const url = process.env['MANAGEMENT_URL'];
  let notNeeded = false;
  const plain: LeveretOptions = { ...broker, listeners: [LazyListener], onEvent: outcomes.watch };
  const lazy: LeveretOptions = {
    ...plain,
    topology: { policies: [lazyPolicy(`^${queue.replaceAll('.', '\\.')}$`, queue)] },
    management: { timeout: '2s', ...(url === undefined ? {} : { url }) },
    logger: {
      ...silentLogger,
      info: (_fields, text) => {
        notNeeded ||= /^Policy .* is not applied/.test(text);
      },
    },
  };
  await using app = await Leveret.start(lazy).then(
    (started) => {
      say(notNeeded ? 'this broker keeps every classic queue on disk: the policy is not needed' : 'the policy is set');
      return started;
    },
    (error: unknown) => {
      if (!LeveretError.is(error) || error.code !== 'LEV_MANAGEMENT_API') throw error;
      say('there is no management API, so the policy is not set; going on without it');
      return Leveret.start(plain);
    },
  );
  await app.publisher.sendToQueue(queue, 'from disk');
  await outcomes.until('handled');
}
