/**
 * `node tools/bench/redelivery.mjs [VERSION...] [--only kills,crowd,native]`: redelivery on private nodes of RabbitMQ, with figures.
 *
 *   kills   200 messages that fail until their fifth attempt, with waits of 1, 4 and 10 s, while ten consumers are killed (-9)
 *   crowd   latency of healthy messages with none and with 10,000 messages waiting for an hour, in turns; and a wait of 1 s amid them
 *   native  RabbitMQ 4.3: the same waits held by the queue itself, with no copy published
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Context, Leveret, Listener } from 'leveret';
import { brokerVersions, startNode } from '../scripts/brokers.mjs';

const WORKER = fileURLToPath(new URL('redelivery-worker.mjs', import.meta.url));
const args = process.argv.slice(2);
const at = args.indexOf('--only');
const only = at < 0 ? ['kills', 'crowd', 'native'] : args.splice(at, 2)[1].split(',');
const versions = args.length > 0 ? args : brokerVersions;

async function kills({ url, version }) {
  const delaysMs = [1000, 4000, 10_000, 10_000];
  const queue = { name: 'redelivery.kills', type: 'quorum' };
  const options = { url, queue, redeliver: { delays: delaysMs, native: false }, succeedsAt: 5, handlerMs: 2 };
  const run = await Run.start(options, 3);
  await run.publish(200);
  for (let kill = 0; kill < 10; kill++) {
    await delay(1000 + Math.random() * 1500);
    await run.killOne();
  }
  await run.until(200, 90_000);
  await delay(3000);
  await run.stop();
  say(`RabbitMQ ${version}, 10 of 10 consumers killed`, run.figures(delaysMs, 200));
}

async function native({ url, version }) {
  const delaysMs = [1000, 2000, 3000, 4000];
  const queue = { name: 'redelivery.native', type: 'quorum' };
  const run = await Run.start({ url, queue, redeliver: { delays: delaysMs }, succeedsAt: 5, handlerMs: 1 }, 2);
  await run.publish(200);
  await run.until(200, 60_000);
  const copies = await run.confirmed();
  const { ways } = run;
  await run.stop();
  say(`RabbitMQ ${version}, held by the queue (${ways.join(', ')})`, { ...run.figures(delaysMs, 200), copies });
}

async function crowd({ url, version }) {
  const healthyMs = [];
  const late = [];
  let failing = 'hour';
  class Healthy {
    on(context) {
      healthyMs.push(performance.now() - Number(context.message.headers.sent));
    }
  }
  class Failing {
    on(context) {
      if (context.redeliveries === 0) {
        const { sent } = context.message.headers;
        if (failing === 'second') throw Object.assign(new Error('down'), { sent });
        throw new Error('down');
      }
      late.push(performance.now() - Number(context.message.headers.sent) - 1000);
    }
  }
  for (const [listener, options] of [
    [Healthy, { queue: { name: 'crowd.healthy' } }],
    [Failing, { queue: { name: 'crowd.hour' }, redeliver: { delays: ['1h'] }, concurrency: 4 }],
  ]) {
    Context()(listener.prototype, 'on', 0);
    Listener(options)(listener.prototype, 'on', Object.getOwnPropertyDescriptor(listener.prototype, 'on'));
  }
  class Second {
    on(context) {
      return Failing.prototype.on.call(this, context);
    }
  }
  Context()(Second.prototype, 'on', 0);
  Listener({ queue: { name: 'crowd.second' }, redeliver: { delays: ['1s'] } })(
    Second.prototype,
    'on',
    Object.getOwnPropertyDescriptor(Second.prototype, 'on'),
  );
  const listeners = [Healthy, Failing, Second];
  const app = await Leveret.start({ connection: { urls: url }, listeners, logger: 'silent' });
  const waits = () => app.listeners.get('Failing.on').lookAtWaiting();
  const amqp = await (await import('amqplib')).connect(url);
  const channel = await amqp.createChannel();
  const measure = async () => {
    healthyMs.length = 0;
    for (let i = 0; i < 2000; i++) {
      const sent = performance.now();
      void app.publisher.sendToQueue('crowd.healthy', {}, { headers: { sent: String(sent) } });
      await delay(3);
    }
    while (healthyMs.length < 2000) await delay(10);
    return healthyMs.toSorted((a, b) => a - b)[1979];
  };
  const rounds = { none: [], crowd: [] };
  await measure();
  for (let round = 0; round < 3; round++) {
    rounds.none.push(await measure());
    failing = 'hour';
    await Promise.all(Array.from({ length: 10_000 }, () => app.publisher.sendToQueue('crowd.hour', {})));
    for (;;) {
      const waiting = (await waits())?.waiting?.[0]?.messages ?? 0;
      if (waiting >= 10_000) break;
      await delay(200);
    }
    rounds.crowd.push(await measure());
    if (round === 0) {
      for (let i = 0; i < 100; i++) {
        const sent = performance.now();
        await app.publisher.sendToQueue('crowd.second', {}, { headers: { sent: String(sent) } });
        await delay(10);
      }
      while (late.length < 100) await delay(20);
    }
    await channel.purgeQueue('leveret.wait.3600000');
    await delay(1000);
  }
  await app.close();
  await amqp.close();
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  say(`RabbitMQ ${version}, 10,000 waiting for an hour`, {
    healthyP99MsWithNone: rounds.none.map(round1),
    healthyP99MsWithCrowd: rounds.crowd.map(round1),
    ratioOfMedians: Number((median(rounds.crowd) / median(rounds.none)).toFixed(2)),
    latenessOf1sMaxMs: Math.round(Math.max(...late)),
    early: late.filter((ms) => ms < 0).length,
  });
}

/** Several consumer processes, and what they said. */
class Run {
  calls = [];
  workers = new Set();
  ways = [];
  #options;

  static async start(options, count) {
    const run = new Run();
    run.#options = options;
    for (let i = 0; i < count; i++) await run.#spawn();
    return run;
  }

  async #spawn() {
    const child = fork(WORKER, {
      env: { ...process.env, REDELIVERY_OPTIONS: JSON.stringify(this.#options) },
      silent: true,
    });
    let rest = '';
    child.stdout.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const [id, redeliveries, attempt, when, what] = line.split(' ');
        if (what !== undefined)
          this.calls.push({ id, redeliveries: Number(redeliveries), attempt: Number(attempt), at: Number(when), what });
        else console.log(line);
      }
    });
    child.stderr.pipe(process.stderr);
    const [message] = await once(child, 'message');
    this.ways.push(message.way);
    this.workers.add(child);
  }

  async publish(count) {
    const app = await Leveret.start({ connection: { urls: this.#options.url }, logger: 'silent' });
    for (let id = 0; id < count; id++) {
      await app.publisher.sendToQueue(this.#options.queue.name, {}, { messageId: `m${id}` });
      // What comes all at once comes back all at once, and then waits for the handler, not for the broker.
      await delay(10);
    }
    await app.close();
  }

  async killOne() {
    const [child] = this.workers;
    this.workers.delete(child);
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
    await this.#spawn();
  }

  get handled() {
    return new Set(this.calls.filter(({ what }) => what === 'handled').map(({ id }) => id)).size;
  }

  async until(count, limitMs) {
    const end = Date.now() + limitMs;
    while (this.handled < count && Date.now() < end) await delay(100);
  }

  async confirmed() {
    let sum = 0;
    for (const child of this.workers) {
      child.send('stats');
      sum += (await once(child, 'message'))[0].confirmed;
    }
    return sum;
  }

  async stop() {
    for (const child of this.workers) {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    }
  }

  /** By message: the first call of each delivery against the first failed call of the one before. */
  figures(delaysMs, count) {
    const lateness = [];
    let early = 0;
    const byId = Map.groupBy?.(this.calls, ({ id }) => id) ?? groupBy(this.calls);
    for (const calls of byId.values()) {
      for (let n = 1; n < delaysMs.length + 1; n++) {
        const before = calls.filter(({ redeliveries }) => redeliveries === n - 1).map((call) => call.at);
        const now = calls.filter(({ redeliveries }) => redeliveries === n).map((call) => call.at);
        if (before.length === 0 || now.length === 0) continue;
        const lateMs = Math.min(...now) - Math.min(...before) - delaysMs[n - 1];
        if (lateMs < 0) early++;
        // A killed process repeats what it did not settle: the wait began with the repetition.
        lateness.push(
          Math.min(...now) - Math.max(...before.filter((when) => when <= Math.min(...now))) - delaysMs[n - 1],
        );
      }
    }
    lateness.sort((a, b) => a - b);
    const handled = this.calls.filter(({ what }) => what === 'handled');
    return {
      handled: this.handled,
      lost: count - this.handled,
      doubled: handled.length - this.handled,
      early,
      latenessP50Ms: lateness[Math.floor(lateness.length * 0.5)],
      latenessP99Ms: lateness[Math.floor(lateness.length * 0.99)],
    };
  }
}

function groupBy(calls) {
  const groups = new Map();
  for (const call of calls) groups.set(call.id, [...(groups.get(call.id) ?? []), call]);
  return groups;
}

function round1(ms) {
  return Number(ms.toFixed(1));
}

function say(title, figures) {
  console.log(`${title}: ${JSON.stringify(figures)}`);
}

for (const version of versions) {
  const node = await startNode({ version });
  try {
    if (only.includes('kills')) await kills(node);
    if (only.includes('crowd')) await crowd(node);
    if (only.includes('native') && version === '4.3') await native(node);
  } finally {
    await node.remove();
  }
}
