import { setTimeout as delay } from 'node:timers/promises';
import { deal } from '../faults/deck.js';
import type { FaultKind } from '../faults/fault-kind.js';
import { monotonicMicros } from '../ledger/ledger-line.js';
import { NAMES } from '../workload/row.js';
import type { Random } from './random.js';
import type { World } from './world.js';

/** How long a run may take to go on after a fault; the bounds that users care about are in the report. */
const RECOVERY_LIMIT_MS = 60_000;
/** Publishers wait while more lies on the queue, so that faults meet messages at work and not a heap of waiting ones. */
const HIGH_WATER = 1500;
const LOW_WATER = 300;
const LOOK_EVERY_MS = 500;

export interface ConductOptions {
  readonly minutes: number;
  readonly kinds: readonly FaultKind[];
  readonly random: Random;
  /** Ends the run early, as Ctrl-C does. */
  readonly signal?: AbortSignal;
  /** A control ends as soon as this many faults were injected. */
  readonly maxFaults?: number;
  readonly onFault?: (kind: string, count: number) => void;
}

/** Injects one fault after the other until the time is over, and writes down when each began, ended and was overcome. */
export async function conduct(world: World, options: ConductOptions): Promise<number> {
  const { kinds, random, signal, maxFaults = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + options.minutes * 60_000;
  const water = holdBack(world);
  let count = 0;
  try {
    await delay(1500);
    if (kinds.length === 0) {
      while (performance.now() < end && !signal?.aborted) await delay(100);
      return 0;
    }
    for (const kind of deal(kinds, random)) {
      if (performance.now() >= end || signal?.aborted || count >= maxFaults) break;
      options.onFault?.(kind.name, ++count);
      await suffer(world, kind, count, random);
      await delay(random.between(100, 600));
    }
    return count;
  } finally {
    water.stop();
    for (const publisher of world.publishers) publisher.tell({ type: 'resume' });
  }
}

async function suffer(world: World, kind: FaultKind, id: number, random: Random): Promise<void> {
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
    // The fault could not be made, or not be ended: the run is worth nothing from here on, and says so.
    over();
    ledger.write('fault-stuck', id, kind.name, 'could not be carried out:', String(error).replaceAll('\n', ' | '));
    return;
  }
  over();
  const stuck = await recovered(world, overAt ?? 0);
  if (stuck === undefined) ledger.write('fault-recovered', id, kind.name);
  else ledger.write('fault-stuck', id, kind.name, stuck);
}

/** Waits until everybody has handled something that began behind a moment. Answers who had not, within the limit. */
async function recovered(world: World, since: number): Promise<string | undefined> {
  const end = performance.now() + RECOVERY_LIMIT_MS;
  const idle = () => world.consumers.filter(({ counts }) => counts.lastStart <= since);
  // With a single active consumer the others have nothing to do.
  const enough = () =>
    world.options.row.queue === 'sac' ? idle().length < world.consumers.length : idle().length === 0;
  while (!enough()) {
    if (performance.now() > end) {
      return `${idle()
        .map(({ options }) => options.name)
        .join(', ')} handled nothing for ${RECOVERY_LIMIT_MS} ms`;
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
    if (depth > HIGH_WATER) isHeld = true;
    if (depth < LOW_WATER) isHeld = false;
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
