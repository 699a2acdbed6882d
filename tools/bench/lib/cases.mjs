import { PAYLOADS } from './shapes.mjs';

/** What leveret is measured beside, by name; each is a file in `peers/`, but for amqplib by hand, which is the control. */
export const PEERS = ['rabbitmq-client', 'amqp-connection-manager', 'rascal', 'golevelup', 'nest'];

const EVERYBODY = ['leveret', ...PEERS];
const PREFETCH = 250;

const consuming = (kind, more = {}) => ({
  measure: 'consume',
  kind,
  prefetch: PREFETCH,
  fill: true,
  count: 40_000,
  // Code that is as fast as it gets: with fewer, what is measured is how fast the engine compiles.
  warmup: 20_000,
  subjects: kind === 'bytes' ? EVERYBODY.filter((name) => name !== 'nest') : EVERYBODY,
  metrics: ['cpuMicros', 'perSecond', 'peakMiB'],
  ...more,
});

/**
 * What is measured, the most telling first. `control` is what the ratios are of; `goals`: the metric, and the most (or, for
 * throughput, the least) that its ratio may be.
 */
export const CASES = {
  json: consuming('json', {
    title: 'consume JSON, ack each',
    count: 80_000,
    goals: { cpuMicros: 0.75, perSecond: 1.3 },
  }),
  class: consuming('class', {
    title: 'consume a validated class of 6 properties',
    controls: { 'amqplib, JSON.parse alone': { unchecked: true } },
    goals: { cpuMicros: 0.5, 'cpuMicros of amqplib, JSON.parse alone': 1 },
  }),
  'publish-256': {
    title: 'publish, confirmed, 256 in flight',
    measure: 'publish',
    inFlight: 256,
    count: 40_000,
    subjects: EVERYBODY,
    metrics: ['cpuMicros', 'perSecond', 'peakMiB'],
    goals: { cpuMicros: 0.9, perSecond: 1 },
  },
  'publish-1': {
    title: 'publish, confirmed, 1 in flight',
    measure: 'publish',
    inFlight: 1,
    count: 4000,
    warmup: 20_000,
    subjects: EVERYBODY,
    metrics: ['cpuMicros', 'perSecond'],
    goals: { cpuMicros: 1.05 },
  },
  'await-io': consuming('json', {
    title: 'a handler that waits 5 ms, 100 at a time',
    prefetch: 100,
    waitMs: 5,
    goals: { cpuMicros: 1 },
  }),
  latency: {
    title: 'latency, idle broker',
    measure: 'latency',
    kind: 'json',
    prefetch: PREFETCH,
    count: 6000,
    warmup: 10_000,
    // Everybody at once, so many messages in turn: between two runs one after the other, broker and machine change more than clients
    // differ. The p99 of amqplib beside itself, of 2,000 messages each: 0.85 to 1.25. Of 6,000: 1.01 with real-time priority, which
    // leaves the clients and the broker alone; 1.17 on a busy machine (load 15), where it says more of the machine than of a client.
    atATime: 50,
    subjects: EVERYBODY,
    metrics: ['p50Ms', 'p99Ms'],
    goals: { p99Ms: 1.1 },
  },
  start: {
    title: 'process start to the first handled message',
    measure: 'first',
    kind: 'json',
    prefetch: PREFETCH,
    fill: true,
    count: 1,
    warmup: 0,
    subjects: EVERYBODY,
    metrics: ['startMs', 'peakMiB'],
    goals: { startMs: 1.3 },
  },
  nested: consuming('nested', {
    title: 'consume a validated class with a list of 20 objects',
    count: 10_000,
    warmup: 5000,
    goals: { cpuMicros: 0.3 },
  }),
  bytes: consuming('bytes', { title: 'consume bytes, ack each' }),
  'publish-all': {
    title: 'publish a list, publishAll beside 500 at a time',
    measure: 'publishAll',
    count: 40_000,
    subjects: EVERYBODY,
    metrics: ['cpuMicros', 'perSecond', 'peakMiB'],
  },
  request: {
    title: 'request and reply, 16 at a time, both sides in one process',
    measure: 'request',
    inFlight: 16,
    count: 10_000,
    subjects: ['leveret', 'rabbitmq-client', 'golevelup', 'nest'],
    metrics: ['cpuMicros', 'perSecond', 'p50Ms', 'p99Ms'],
  },
  'once-memory': {
    ...consuming('json'),
    title: 'idempotent, memory',
    measure: 'once',
    store: 'memory',
    subjects: ['leveret'],
  },
  'once-redis': {
    ...consuming('json', { count: 10_000, warmup: 5000 }),
    title: 'idempotent, Redis',
    measure: 'once',
    store: 'redis',
    subjects: ['leveret'],
  },
  listeners: {
    title: '1,000 listeners in one process',
    measure: 'listeners',
    queues: 1000,
    subjects: ['leveret', 'golevelup'],
    metrics: ['startMs', 'kibEach', 'peakMiB'],
    limits: { kibEach: 40 },
  },
  large: {
    title: 'a message of 10 MB, published and consumed',
    measure: 'large',
    maxBodyBytes: 16 * 1024 * 1024,
    kind: 'json',
    prefetch: 1,
    count: 5,
    limitMs: 45_000,
    subjects: EVERYBODY,
    metrics: ['ms', 'cpuMicros', 'peakMiB'],
  },
};

export const METRICS = {
  cpuMicros: { title: 'CPU', unit: 'us', digits: 1 },
  perSecond: { title: 'throughput', unit: '/s', digits: 0, moreIsBetter: true },
  p50Ms: { title: 'p50', unit: 'ms', digits: 2 },
  p99Ms: { title: 'p99', unit: 'ms', digits: 2 },
  startMs: { title: 'start', unit: 'ms', digits: 0 },
  ms: { title: 'time', unit: 'ms', digits: 0 },
  kibEach: { title: 'memory each', unit: 'KiB', digits: 1 },
  peakMiB: { title: 'peak memory', unit: 'MiB', digits: 0 },
};

/** The body of one message of a case. */
export function payloadOf({ kind }) {
  return PAYLOADS[kind ?? 'json'];
}
