import { crc32 } from 'node:zlib';
import { mix } from '../run/random.js';

/**
 * What becomes of a message, by its number: `ok` succeeds at once, `once` at the second and `twice` at the third attempt,
 * `poison` never, and `slow` takes seconds.
 */
export type Fate = 'ok' | 'once' | 'twice' | 'poison' | 'slow';

/** One message of the workload, as its body says it. */
export interface Order {
  /** Number of the message; its message id is `m<n>`. */
  readonly n: number;
  readonly key: number;
  /** Position among the messages of its key, from 0. */
  readonly seq: number;
  readonly fate: Fate;
  /** Filling. */
  readonly pad: string;
  /** CRC-32 of all the others. */
  readonly sum: number;
}

/** Keys of one publisher: each is published in order, one message behind the confirm of the other. */
export const KEYS_PER_PUBLISHER = 32;
const FILLINGS = ['', 'x'.repeat(32), 'y'.repeat(200), 'z'.repeat(2000)];

/** The number of a message: publishers count up beside each other. */
export function numberOf(publisher: number, publishers: number, counter: number): number {
  return publisher + publishers * counter;
}

export function makeOrder(seed: number, publisher: number, publishers: number, counter: number): Order {
  const n = numberOf(publisher, publishers, counter);
  const key = publisher * KEYS_PER_PUBLISHER + (counter % KEYS_PER_PUBLISHER);
  const seq = Math.floor(counter / KEYS_PER_PUBLISHER);
  const fate = fateOf(seed, n);
  // One in a hundred is large, so that a cut falls into the middle of a body now and then.
  const size = mix(n, seed) % 100;
  const pad = FILLINGS[size === 0 ? 3 : size < 10 ? 2 : size < 50 ? 1 : 0] ?? '';
  return { n, key, seq, fate, pad, sum: checksum({ n, key, seq, fate, pad }) };
}

/** 6 % fail once, 2 % twice, 1 % always, and one in 2,000 takes seconds. */
export function fateOf(seed: number, n: number): Fate {
  const draw = mix(seed, n) % 10_000;
  if (draw < 100) return 'poison';
  if (draw < 300) return 'twice';
  if (draw < 900) return 'once';
  if (draw < 905) return 'slow';
  return 'ok';
}

/** Milliseconds that a slow message takes: 2 to 6 s. */
export function slowMs(n: number): number {
  return 2000 + (mix(n, 1) % 4000);
}

/** Whether the handler is to fail at this attempt, from 1. */
export function failsAt(fate: Fate, attempt: number): boolean {
  return fate === 'poison' || (fate === 'once' && attempt < 2) || (fate === 'twice' && attempt < 3);
}

export function checksum({ n, key, seq, fate, pad }: Omit<Order, 'sum'>): number {
  return crc32(`${n}|${key}|${seq}|${fate}|${pad}`);
}

/** Whether the body is as it was made. */
export function isWhole(order: Order): boolean {
  return order.sum === checksum(order);
}

/** The number in a message id, or `undefined` of a message of somebody else. */
export function numberIn(messageId: string | undefined): number | undefined {
  if (messageId === undefined || !/^m\d+$/.test(messageId)) return undefined;
  return Number(messageId.slice(1));
}
