/**
 * `node tools/bench/outage.mjs [VERSION...] [--only trips,dead] [--rounds 50]`: kill switches on private nodes of RabbitMQ, with figures.
 *
 *   trips  rounds of 2,000 messages whose service dies and comes back at random: what is lost, doubled and parked
 *   dead   50,000 messages are queued and their service is dead for 60 s: what is parked, how soon it pauses, how often it tries
 *
 * A queue is classic and then quorum with a delivery limit of 5, which more probes than that must not use up.
 */
import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Leveret, listener, republish } from 'leveret';
import { brokerVersions, startNode } from '../scripts/brokers.mjs';

const args = process.argv.slice(2);
const only = option('--only', 'trips,dead').split(',');
const rounds = Number(option('--rounds', '50'));
const versions = args.length > 0 ? args : brokerVersions;
const TYPES = [{ type: 'classic' }, { type: 'quorum', deliveryLimit: 5 }];

/** Messages by their ids, from the queue to the service or the error queue. */
class Run {
  isDown = true;
  attempts = 0;
  handled = new Map();
  parked = new Set();
  events = [];

  static async start(url, queue, options) {
    const run = new Run();
    const onOrder = listener(
      {
        queue,
        id: queue.name,
        payload: Object,
        retry: { maxAttempts: 3, initialInterval: 50 },
        recoverer: republish('', `${queue.name}.parked`),
        ...options,
      },
      async ({ id }) => {
        run.attempts++;
        await delay(1);
        if (run.isDown) throw new Error('the service does not answer');
        run.handled.set(id, (run.handled.get(id) ?? 0) + 1);
      },
    );
    const onParked = listener({ queue: `${queue.name}.parked`, payload: Object }, ({ id }) => void run.parked.add(id));
    run.app = await Leveret.start({
      connection: { urls: url },
      logger: 'silent',
      listeners: [onOrder, onParked],
      onEvent: (event) => {
        if (event.type === 'failed' && run.firstFailedAt === undefined) run.firstFailedAt = performance.now();
        if (event.listenerId === queue.name && /^listener-/.test(event.type)) {
          run.events.push({ at: performance.now(), type: event.type });
        }
      },
    });
    return run;
  }

  publish(queue, from, count) {
    const messages = Array.from({ length: count }, (_, index) => ({
      exchange: '',
      routingKey: queue,
      payload: { id: from + index },
    }));
    return this.app.publisher.publishAll(messages);
  }

  count(type) {
    return this.events.filter((event) => event.type === type).length;
  }

  async until(count, limitMs) {
    const end = performance.now() + limitMs;
    while (new Set([...this.handled.keys(), ...this.parked]).size < count && performance.now() < end) await delay(20);
    await delay(200);
  }

  /** What became of the first `count` ids. */
  figures(count) {
    const ids = Array.from({ length: count }, (_, id) => id);
    return {
      lost: ids.filter((id) => !this.handled.has(id) && !this.parked.has(id)).length,
      handledTwice: [...this.handled.values()].filter((times) => times > 1).length,
      parked: this.parked.size,
    };
  }
}

async function trips(url, queue) {
  const run = await Run.start(url, queue, { concurrency: 8, prefetch: 50, killSwitch: { pause: 100 } });
  run.isDown = false;
  const size = 2000;
  for (let round = 0; round < rounds; round++) {
    await run.publish(queue.name, round * size, size);
    await delay(Math.random() * 50);
    run.isDown = true;
    await delay(100 + Math.random() * 400);
    run.isDown = false;
    await run.until((round + 1) * size, 60_000);
  }
  const figures = {
    rounds,
    messages: rounds * size,
    trips: run.count('listener-paused'),
    ...run.figures(rounds * size),
  };
  await run.app.close();
  return figures;
}

async function dead(url, queue) {
  const run = await Run.start(url, queue, { concurrency: 8, prefetch: 50, killSwitch: { pause: '10s' } });
  await run.app.listeners.get(queue.name).pause({ reason: 'the messages come first' });
  const count = 50_000;
  for (let from = 0; from < count; from += 5000) await run.publish(queue.name, from, 5000);
  run.app.resume();
  await delay(60_000);
  const paused = run.events.find(({ type }, index) => type === 'listener-paused' && index > 1);
  const attemptsWhileDead = run.attempts;
  const probes = run.count('listener-probed');
  run.isDown = false;
  const back = performance.now();
  await run.until(count, 300_000);
  const figures = {
    messages: count,
    pausedAfterMs: Math.round(paused.at - run.firstFailedAt),
    attemptsWhileDead,
    probesIn60s: probes,
    ...run.figures(count),
    allHandledAfterMs: Math.round(performance.now() - back),
  };
  await run.app.close();
  return figures;
}

const SITUATIONS = { trips, dead };

for (const version of versions) {
  const node = await startNode({ version });
  try {
    for (const name of only) {
      for (const of of TYPES) {
        const queue = { name: `outage.${name}.${of.type}`, ...of };
        say(`RabbitMQ ${version}, ${name}, ${of.type} queue`, await SITUATIONS[name](node.url, queue));
      }
    }
  } finally {
    await node.remove();
  }
}

function say(title, figures) {
  process.stdout.write(`${title}: ${JSON.stringify(figures)}\n`);
}

function option(name, fallback) {
  const at = args.indexOf(name);
  return at < 0 ? fallback : args.splice(at, 2)[1];
}
