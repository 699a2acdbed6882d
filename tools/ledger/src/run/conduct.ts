import { setTimeout as delay } from 'node:timers/promises';
import { deal } from '../faults/deck.js';
import type { FaultKind } from '../faults/fault-kind.js';
import { monotonicMicros } from '../ledger/ledger-line.js';
import { NAMES } from '../workload/row.js';
import { mix, Random } from './random.js';
import type { World } from './world.js';

const PATIENCE_MS = 60_000;
const START_MS = 1500;
/** So often a fault of a list is made again that could not be made, as by a tool that did not answer in time. */
const TRIES = 3;
/** Publishers wait while more lies on the queue, so that faults meet messages at work and not a heap of waiting ones. */
const HIGH_WATER = 1500;
const LOW_WATER = 300;
const LOOK_EVERY_MS = 500;

export interface ConductOptions {
  readonly minutes: number;
  readonly kinds: readonly FaultKind[];
  readonly seed: number;
  /** So many messages are confirmed between the end of one fault and the next. Default 0. */
  readonly between?: number;
  /** Each kind once, in the order in which they are given, instead of a shuffled deck. */
  readonly inOrder?: boolean;
  /** Ends the run early, as Ctrl-C does. */
  readonly signal?: AbortSignal;
  /** A control ends as soon as this many faults were injected. */
  readonly maxFaults?: number;
  readonly onFault?: (kind: string, count: number) => void;
}

/** Injects one fault after the other until the time is over, and writes down when each began, ended and was overcome. */
export async function conduct(world: World, options: ConductOptions): Promise<number> {
  const { kinds, seed, inOrder = false, signal, maxFaults = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + options.minutes * 60_000;
  const water = holdBack(world);
  let count = 0;
  try {
    await everybodyWorks(world);
    if (kinds.length === 0) {
      while (performance.now() < end && !signal?.aborted) await delay(100);
      return 0;
    }
    for (const kind of inOrder ? kinds : deal(kinds, new Random(seed))) {
      if (performance.now() >= end || signal?.aborted || count >= maxFaults) break;
      // Of its own for each, so that what one draws changes nothing of the next.
      const random = new Random(mix(seed, ++count));
      options.onFault?.(kind.name, count);
      await make(world, kind, count, random, inOrder ? TRIES : 1);
      await delay(random.between(100, 600));
      await confirmed(world, options.between ?? 0);
    }
    return count;
  } finally {
    water.stop();
    await world.everybodyReady();
    for (const publisher of world.publishers) publisher.tell({ type: 'resume' });
  }
}

/** Waits until there is something at work everywhere that a fault can meet, as there soon is if there ever will be. */
async function everybodyWorks(world: World): Promise<void> {
  const end = performance.now() + START_MS;
  const needed = world.options.row.queue === 'sac' ? 1 : world.consumers.length;
  while (world.consumers.filter(({ counts }) => counts.handled > 0).length < needed && performance.now() < end) {
    await delay(20);
  }
}

/** Waits until so many more messages are confirmed; not for ever, for publishers may be held back. */
async function confirmed(world: World, more: number): Promise<void> {
  const enough = world.counts.confirmed + more;
  const end = performance.now() + PATIENCE_MS;
  while (world.counts.confirmed < enough && performance.now() < end) await delay(20);
}

async function make(world: World, kind: FaultKind, id: number, random: Random, tries: number): Promise<void> {
  for (let left = tries; left > 0 && !(await suffer(world, kind, id, random)); left--) {
    if (world.nodes.every(({ pid }) => pid === undefined)) throw new Error('the broker did not start again');
  }
}

/** Answers whether the fault could be made. */
async function suffer(world: World, kind: FaultKind, id: number, random: Random): Promise<boolean> {
  const { ledger } = world;
  ledger.write('fault-begin', id, kind.name);
  let overAt: number | undefined;
  const over = () => {
    if (overAt !== undefined) return;
    overAt = monotonicMicros();
    ledger.write('fault-end', id, kind.name);
  };
  try {
    await kind.inject(world, random, over);
  } catch (error) {
    // The fault could not be made, as by a tool that did not answer in time: nobody is to blame, and it is not counted.
    over();
    ledger.write('fault-failed', id, kind.name, String(error).replaceAll('\n', ' | ').slice(0, 300));
    return false;
  }
  over();
  const stuck = await recovered(world, overAt ?? 0);
  if (stuck === undefined) ledger.write('fault-recovered', id, kind.name);
  else ledger.write('fault-stuck', id, kind.name, stuck);
  return true;
}

/**
 * Waits until everybody has handled something that began behind a moment. Answers who had not, within the limit. Who is only
 * just being started has to follow at the next fault.
 */
async function recovered(world: World, since: number): Promise<string | undefined> {
  const patienceMs = world.options.patienceMs ?? PATIENCE_MS;
  const end = performance.now() + patienceMs;
  const ready = () => world.consumers.filter(({ isReady }) => isReady);
  const idle = () => ready().filter(({ counts }) => counts.lastStart <= since);
  // With a single active consumer the others have nothing to do.
  const needed = () => (world.options.row.queue === 'sac' ? 1 : ready().length);
  while (ready().length === 0 || ready().length - idle().length < needed()) {
    if (performance.now() > end) {
      const names = idle().map(({ options }) => options.name);
      return `${names.join(', ') || 'nobody is there, and'} handled nothing for ${patienceMs} ms`;
    }
    await delay(20);
  }
  return undefined;
}

function holdBack(world: World): { stop(): void } {
  let isHeld = false;
  let isOver = false;
  const look = async () => {
    const depth = await world.depth(NAMES.queue);
    if (isOver || depth === undefined) return;
    const before = isHeld;
    if (depth > HIGH_WATER) isHeld = true;
    if (depth < LOW_WATER) isHeld = false;
    if (isHeld !== before) world.ledger.write(isHeld ? 'held-back' : 'let-go');
    for (const publisher of world.publishers) publisher.tell({ type: isHeld ? 'pause' : 'resume' });
  };
  void (async () => {
    for (; !isOver; await delay(LOOK_EVERY_MS)) await look();
  })();
  return {
    stop() {
      isOver = true;
    },
  };
}
