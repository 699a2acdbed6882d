import type { Random } from '../run/random.js';
import type { World } from '../run/world.js';
import { brokerFaults } from './broker.js';
import { clusterFaults } from './cluster.js';
import type { FaultKind } from './fault-kind.js';
import { networkFaults } from './network.js';
import { processFaults } from './processes.js';

/** Every kind of fault there is. */
export const FAULTS: readonly FaultKind[] = [...networkFaults, ...brokerFaults, ...processFaults, ...clusterFaults];

/** Kinds that a run may have, all of them or those named, in their order; throws when a name is unknown or does not fit. */
export function chooseFaults(world: World, names: readonly string[] | undefined): readonly FaultKind[] {
  const fitting = FAULTS.filter(({ fits }) => fits?.(world) ?? true);
  if (names === undefined) return fitting;
  const unknown = names.filter((name) => !fitting.some((kind) => kind.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `faults: expected some of ${fitting.map(({ name }) => name).join(', ')} for this row, received ${unknown.join(', ')}`,
    );
  }
  return names.flatMap((name) => fitting.filter((kind) => kind.name === name));
}

/**
 * So many faults in an order of their own: each kind at least once, and the rest by their shares. The same seed makes the same list
 * for whatever it is done to.
 */
export function planFaults<K extends Pick<FaultKind, 'name' | 'share'>>(
  kinds: readonly K[],
  count: number,
  random: Random,
): readonly K[] {
  if (count < kinds.length) {
    throw new Error(`count: expected at least ${kinds.length}, one fault of each kind, received ${count}`);
  }
  const total = kinds.reduce((sum, { share }) => sum + share, 0);
  const times = kinds.map(({ share }) => Math.max(1, Math.floor((share / total) * count)));
  const behind = (index: number) => ((kinds[index]?.share ?? 0) / total) * count - (times[index] ?? 0);
  const order = [...kinds.keys()];
  for (let sum = times.reduce((left, right) => left + right); sum !== count; ) {
    const step = sum < count ? 1 : -1;
    const open = order.filter((index) => step > 0 || (times[index] ?? 0) > 1);
    const next = open.reduce((best, index) => (behind(index) * step > behind(best) * step ? index : best));
    times[next] = (times[next] ?? 0) + step;
    sum += step;
  }
  return random.shuffled(kinds.flatMap((kind, index) => Array.from({ length: times[index] ?? 0 }, () => kind)));
}

/** Faults one after the other, for ever: each deck has every kind by its share, in an order of its own. */
export function* deal(kinds: readonly FaultKind[], random: Random): Generator<FaultKind> {
  for (;;) {
    const deck = kinds.flatMap((kind) => {
      const whole = Math.floor(kind.share);
      const times = whole + (random.next() < kind.share - whole ? 1 : 0);
      return Array.from({ length: times }, () => kind);
    });
    yield* random.shuffled(deck);
  }
}
