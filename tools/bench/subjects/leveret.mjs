/** leveret as its documentation shows it; decorators are called by hand because this is plain JavaScript. */
import { Leveret, Listener, Payload, silentLogger } from 'leveret';

async function start(url, options) {
  const app = await Leveret.start({
    connection: { urls: [url] },
    service: 'bench',
    logger: silentLogger,
    shutdownHooks: false,
    ...options,
  });
  return app;
}

/** A class with one method that listens. */
function listenerClass(type, options, handle, ...more) {
  class Bench {
    handle(payload) {
      return handle(payload);
    }
  }
  Payload(type)(Bench.prototype, 'handle', 0);
  const method = Object.getOwnPropertyDescriptor(Bench.prototype, 'handle');
  for (const decorator of [...more, Listener(options)]) decorator(Bench.prototype, 'handle', method);
  return Bench;
}

async function typeOf(kind) {
  if (kind === 'bytes') return Buffer;
  if (kind === 'json') return Object;
  await import('reflect-metadata');
  const [{ makeShapes }, transformer, validator] = await Promise.all([
    import('../lib/shapes.mjs'),
    import('class-transformer'),
    import('class-validator'),
  ]);
  return makeShapes(transformer, validator)[kind];
}

export async function consume({ url, queue, prefetch, kind, waitMs, maxBodyBytes }, onPayload) {
  const type = await typeOf(kind);
  const parallel =
    waitMs === undefined ? { prefetch, declare: false } : { prefetch: 1, concurrency: prefetch, declare: true };
  const options = { queue, ...parallel, ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }) };
  await start(url, { listeners: [listenerClass(type, options, onPayload)] });
}

export async function publisher({ url, queue, confirms }) {
  const app = await start(url, { publisher: { confirms } });
  return {
    publish: (payload) => app.publisher.sendToQueue(queue, payload),
    publishAll: async (payloads) => {
      const messages = (function* () {
        for (const payload of payloads) yield { queue, payload };
      })();
      const { failed } = await app.publisher.publishAll(messages, { onResult: () => {} });
      if (failed > 0) throw new Error(`${failed} failed`);
    },
  };
}

export async function requester({ url, queue, inFlight }) {
  const answer = ({ orderId }) => ({ echoed: orderId });
  // By hand the next request is answered while the broker has not confirmed the reply to the one before: so here.
  const options = { queue, declare: true, concurrency: inFlight };
  const app = await start(url, { listeners: [listenerClass(Object, options, answer)] });
  return { request: (payload) => app.publisher.request('', queue, payload) };
}

export async function consumeOnce({ url, queue, prefetch, store: kind, redisUrl }, onPayload) {
  const { Idempotent, MemoryIdempotencyStore } = await import('leveret');
  let store = new MemoryIdempotencyStore();
  if (kind === 'redis') {
    const { RedisIdempotencyStore } = await import('@leveret/redis');
    store = await RedisIdempotencyStore.connect(redisUrl, { service: 'bench' });
  }
  const once = Idempotent({ store });
  const _app = await start(url, {
    listeners: [listenerClass(Object, { queue, declare: false, prefetch }, onPayload, once)],
  });
}

export async function listeners({ url, queues }) {
  const classes = queues.map((queue) => listenerClass(Object, { id: queue, queue, declare: false }, () => {}));
  const _app = await start(url, { listeners: classes });
}
