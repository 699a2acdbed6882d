import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { IsInt } from 'class-validator';
import { Context, type DeliveryContext, Leveret, Listener, Payload, republish, silentLogger } from 'leveret';
import type { BrokerNode } from '../../../../tools/scripts/brokers.mjs';
import { eventually } from '../support/eventually.js';
import { RawClient } from '../support/raw-client.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { unique } from '../support/unique.js';
import { SoakLedger, type SoakVerdict } from './soak-ledger.js';

export interface SoakOptions {
  /** The broker to kill. */
  readonly node: Pick<BrokerNode, 'port' | 'url' | 'keepDeclarations' | 'kill' | 'start'>;
  readonly messages: number;
  /** How often every connection is cut. */
  readonly cuts: number;
  /** How often the broker is killed and started again. */
  readonly kills: number;
  /** A fault to plant, to see that the ledger notices: */
  readonly plant?: 'ack-before-handling' | 'ack-without-handling';
  readonly log?: (line: string) => void;
}

export interface SoakReport {
  readonly verdict: SoakVerdict;
  readonly handled: number;
  /** Messages handled again. */
  readonly duplicates: { readonly byKills: number; readonly byCuts: number };
  /** What cuts can at most make twice of: all that is outstanding at consumers and publisher at each of them. */
  readonly duplicatesByCutsAtMost: number;
  /** Publishes that were repeated because their fate was unknown. */
  readonly publishedAgain: number;
  readonly seconds: number;
  /** Milliseconds from each fault (for kills: from when the broker answered again) until every consumer was back. */
  readonly resumedMs: { readonly cut: readonly number[]; readonly kill: readonly number[] };
  /** Heap after a collection, in MiB: at a fifth of the way, and at the end. */
  readonly heapMib: { readonly early: number; readonly late: number };
}

class SoakOrder {
  @IsInt()
  id!: number;
}

const CONSUMERS = 4;
const IN_FLIGHT = 200;
const PREFETCH = 20;
// Nothing is left to be handled, or never will be.
const STALLED_MS = 4000;
/** One in this many fails for ever and has to be parked; another one fails once. */
const POISON = 200;

const fails = (id: number) => id % POISON === POISON - 1;
const failsOnce = (id: number) => id % POISON === 7;

/**
 * Messages go through one listener while connections are cut and the broker is killed, all by way of a proxy that reads
 * what is acknowledged. Ends when everything was handled, or nothing moves any more.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { node, messages, log = () => undefined } = options;
  const began = performance.now();
  const ledger = new SoakLedger(messages);
  const queue = unique('soak');
  const errors = `${queue}.errors`;
  await using proxy = await TcpProxy.start(node.port, ledger);
  let consuming = 0;
  const app = await Leveret.start({
    connection: { urls: proxy.url },
    listeners: [soakListener(queue, errors, ledger, options.plant)],
    topology: { queues: [{ name: errors }] },
    logger: silentLogger,
    onEvent: ({ type }) => {
      if (type === 'consuming') consuming++;
    },
  });
  const consumers = consuming;
  await node.keepDeclarations();
  const resumedMs = { cut: [] as number[], kill: [] as number[] };
  const resumed = async (before: number, since: number) => {
    await eventually('every consumer back', () => consuming >= before + consumers, 60_000);
    return performance.now() - since;
  };

  const publishing = publishAll(app, queue, messages, ledger);
  let early = 0;
  try {
    for (const { at, kind } of faultPlan(options)) {
      await moving(ledger, at);
      if (early === 0 && at >= messages / 5) early = heapMib();
      const before = consuming;
      if (kind === 'cut') {
        const since = performance.now();
        proxy.cut();
        resumedMs.cut.push(await resumed(before, since));
      } else {
        ledger.killed();
        await node.kill();
        await node.start();
        resumedMs.kill.push(await resumed(before, performance.now()));
      }
      log(`${kind} at ${at}: consuming again after ${Math.round(resumedMs[kind].at(-1) ?? 0)} ms`);
    }
    await moving(ledger, messages);
    const publishedAgain = await publishing;
    await using raw = await RawClient.connect(node.url);
    await drained(raw, queue);
    await app.close();
    for (let next = await raw.takeAll(errors); next.length > 0; next = await raw.takeAll(errors)) {
      for (const { properties } of next) ledger.parked(Number(properties.messageId));
    }
    const left = (await raw.ready(queue)) ?? 0;
    return {
      verdict: ledger.judge(left, fails),
      handled: ledger.distinct,
      duplicates: ledger.duplicates,
      duplicatesByCutsAtMost: options.cuts * (CONSUMERS * PREFETCH + IN_FLIGHT),
      publishedAgain,
      seconds: (performance.now() - began) / 1000,
      resumedMs,
      heapMib: { early, late: heapMib() },
    };
  } finally {
    await app.close({ timeout: 0 });
  }
}

function soakListener(queue: string, errors: string, ledger: SoakLedger, plant: SoakOptions['plant']) {
  const failed = new Set<number>();
  class SoakOrderListener {
    @Listener({
      queue: { name: queue },
      concurrency: CONSUMERS,
      prefetch: PREFETCH,
      ...(plant === 'ack-before-handling'
        ? { acknowledge: 'manual' }
        : { retry: { maxAttempts: 3, initialInterval: 5 } }),
      recoverer: republish('', errors),
    })
    async onOrder(@Payload() { id }: SoakOrder, @Context() context: DeliveryContext): Promise<void> {
      if (plant === 'ack-before-handling') context.ack();
      await delay(1);
      if (plant === 'ack-without-handling' && id % 50 === 0) return;
      if (plant === undefined && fails(id)) {
        if (context.attempt === 3) ledger.handled(id);
        throw new Error('fails always');
      }
      if (failsOnce(id) && !failed.has(id) && plant === undefined) {
        failed.add(id);
        throw new Error('fails once');
      }
      ledger.handled(id);
    }
  }
  return SoakOrderListener;
}

/** Publishes every number until it is confirmed; answers how many publishes had to be repeated. */
async function publishAll(app: Leveret, queue: string, messages: number, ledger: SoakLedger): Promise<number> {
  let next = 0;
  let again = 0;
  const lane = async () => {
    while (next < messages) {
      const id = next++;
      for (let confirmed = false; !confirmed; ) {
        try {
          await app.publisher.publish('', queue, { id }, { messageId: String(id) });
          confirmed = true;
        } catch {
          again++;
          await delay(20);
        }
      }
      ledger.confirmed(id);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return again;
}

/** Spread evenly over the run, kills in the middle of their share, in the order of their thresholds. */
function faultPlan({ messages, cuts, kills }: SoakOptions) {
  const spread = (count: number, kind: 'cut' | 'kill', shift: number) =>
    Array.from({ length: count }, (_, index) => ({ kind, at: Math.floor((messages * (index + shift)) / (count + 1)) }));
  return [...spread(cuts, 'cut', 1), ...spread(kills, 'kill', 0.75)].sort((left, right) => left.at - right.at);
}

/** Waits until so many were handled, or until nothing has moved for a while: then the ledger says why. */
async function moving(ledger: SoakLedger, threshold: number): Promise<void> {
  let last = ledger.distinct;
  let movedAt = performance.now();
  while (ledger.distinct < threshold && performance.now() - movedAt < STALLED_MS) {
    await delay(5);
    if (ledger.distinct !== last) movedAt = performance.now();
    last = ledger.distinct;
  }
}

/** Waits until the queue has nothing more for its consumers; what they hold, their close settles. */
async function drained(raw: RawClient, queue: string): Promise<void> {
  const empty = async () => (await raw.ready(queue)) === 0;
  await eventually('an empty queue', empty, 30_000).catch(() => undefined);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapMib(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
