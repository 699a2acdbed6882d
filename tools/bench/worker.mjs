/**
 * One measurement in a process of its own: `worker.mjs JOB`, a job as JSON; prints what was measured as JSON. Where it takes turns with
 * others, it measures as many messages as it is told to, each time that it is told, and answers with each.
 */
import { performance } from 'node:perf_hooks';
import { percentiles } from './lib/percentiles.mjs';
import { PAYLOADS } from './lib/shapes.mjs';

const job = JSON.parse(process.argv[2]);
const loading = performance.now();
const subject = await import(job.file);
const loadMs = performance.now() - loading;

const MEASURES = { consume, publish, publishAll, request, latency, once, listeners, first, large };
const result = await MEASURES[job.measure]();
console.log(JSON.stringify({ ...result, loadMs, peakMiB: process.resourceUsage().maxRSS / 1024 }));
// Nobody is closed: what is in flight then is not part of the measurement, and some leave timers behind.
process.exit(0);

/** Counts messages: the first ones warm up, the rest is measured. */
function meter() {
  const { count, warmup } = job;
  let seen = 0;
  let startedAt;
  let cpuAtStart;
  const { promise, resolve } = deferred();
  const handled = () => {
    seen++;
    if (seen === warmup) {
      cpuAtStart = process.cpuUsage();
      startedAt = performance.now();
    } else if (seen === warmup + count) resolve(sinceStart(cpuAtStart, startedAt, count));
  };
  return { handled, finished: promise };
}

function sinceStart(cpuAtStart, startedAt, count) {
  const { user, system } = process.cpuUsage(cpuAtStart);
  return { cpuMicros: (user + system) / count, perSecond: (1000 * count) / (performance.now() - startedAt) };
}

async function consume() {
  const { handled, finished } = meter();
  const { kind, waitMs } = job;
  const check = kind === 'bytes' ? (payload) => payload.length > 0 : (payload) => payload.orderId === 4711;
  const onPayload = (payload) => {
    if (!check(payload)) throw new Error(`received ${JSON.stringify(payload)}`);
    if (waitMs === undefined) return handled();
    return new Promise((resolve) => setTimeout(resolve, waitMs)).then(handled);
  };
  await subject.consume(job, onPayload);
  return finished;
}

async function once() {
  const { handled, finished } = meter();
  await subject.consumeOnce(job, handled);
  return finished;
}

async function publish() {
  const publisher = await subject.publisher(job);
  const many = async (count, inFlight) => {
    let next = 0;
    const one = async () => {
      while (next < count) {
        next++;
        await publisher.publish(PAYLOADS.json);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, one));
  };
  // Warm code is compared. The second warm-up is for what the engine takes back when the rhythm changes.
  await many(job.warmup, 256);
  await many(Math.ceil(job.count / 4), job.inFlight);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await many(job.count, job.inFlight);
  const result = sinceStart(cpu, start, job.count);
  return result;
}

async function publishAll() {
  const { publish, publishAll = inBatches(publish) } = await subject.publisher(job);
  const payloads = (count) => ({
    *[Symbol.iterator]() {
      for (let number = 0; number < count; number++) yield PAYLOADS.json;
    },
  });
  await publishAll(payloads(job.warmup));
  const cpu = process.cpuUsage();
  const start = performance.now();
  await publishAll(payloads(job.count));
  const result = sinceStart(cpu, start, job.count);
  return result;
}

/** What a program does whose library has nothing for lists. */
function inBatches(publish) {
  return async (payloads) => {
    let batch = [];
    for (const payload of payloads) {
      batch.push(publish(payload));
      if (batch.length < 500) continue;
      await Promise.all(batch);
      batch = [];
    }
    await Promise.all(batch);
  };
}

async function request() {
  const requester = await subject.requester(job);
  const latencies = [];
  const many = async (count) => {
    let next = 0;
    const one = async () => {
      while (next < count) {
        next++;
        const start = performance.now();
        const { echoed } = await requester.request(PAYLOADS.json);
        if (echoed !== 4711) throw new Error('expected the reply to this request');
        latencies.push(performance.now() - start);
      }
    };
    await Promise.all(Array.from({ length: job.inFlight }, one));
  };
  await many(job.warmup);
  latencies.length = 0;
  const cpu = process.cpuUsage();
  const start = performance.now();
  await many(job.count);
  const result = { ...sinceStart(cpu, start, job.count), ...percentiles(latencies) };
  return result;
}

/**
 * One message at a time to an idle consumer: from the write to the call of the handler, both in this process. Ends when whoever says
 * how many are next is gone.
 */
async function latency() {
  const { connect } = await import('amqplib');
  let onHandled;
  await subject.consume(job, () => onHandled?.());
  const connection = await connect(job.url, { noDelay: true });
  const channel = await connection.createChannel();
  const body = Buffer.from(JSON.stringify(job.envelope ?? PAYLOADS.json));
  const properties = { contentType: 'application/json', messageId: 'latency' };
  const one = async () => {
    const { promise, resolve } = deferred();
    onHandled = resolve;
    const start = performance.now();
    channel.sendToQueue(job.queue, body, properties);
    await promise;
    return performance.now() - start;
  };
  const many = async (count) => {
    const latencies = [];
    for (let number = 0; number < count; number++) {
      latencies.push(await one());
      await new Promise((again) => setTimeout(again, 1));
    }
    return latencies;
  };
  // Without pauses at first: what is measured is warm code in a slow rhythm, and no compiler at work.
  for (let number = 0; number < job.warmup; number++) await one();
  await many(100);
  process.on('message', async ({ count }) => {
    // The others had the processor until now.
    await many(3);
    process.send({ latencies: await many(count) });
  });
  process.send({ isReady: true });
  await new Promise((resolve) => process.once('disconnect', resolve));
  return {};
}

async function listeners() {
  globalThis.gc?.();
  const before = process.memoryUsage();
  const start = performance.now();
  await subject.listeners(job);
  const startMs = performance.now() - start;
  // What was only needed to start is gone after a while.
  await new Promise((resolve) => setTimeout(resolve, 500));
  globalThis.gc?.();
  const after = process.memoryUsage();
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external;
  return { startMs, kibEach: bytes / 1024 / job.queues.length };
}

/** When the first message was handled, on the clock of the system. */
async function first() {
  const { promise, resolve } = deferred();
  await subject.consume(job, () => resolve({ at: performance.timeOrigin + performance.now() }));
  return promise;
}

/** One message of 10 MB, published and consumed by this process, a few times. */
async function large() {
  const body = { text: 'x'.repeat(10 * 1024 * 1024) };
  const publisher = await subject.publisher(job);
  let onHandled;
  await subject.consume(job, (payload) => onHandled(payload.text.length));
  const times = [];
  const cpu = process.cpuUsage();
  for (let number = 0; number < job.count; number++) {
    const { promise, resolve } = deferred();
    onHandled = resolve;
    const start = performance.now();
    await Promise.all([publisher.publish(body), promise]);
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { ms: percentiles(times).p50Ms, cpuMicros: (user + system) / job.count };
}

function deferred() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
