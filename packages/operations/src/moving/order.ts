import type { Message } from '@leveret/core';
import { placeOf } from './copies.js';

/**
 * Messages in the order in which they were parked. Copies have their places; what has none has come later, or had no copy yet
 * when the process that made copies ended: either way it belongs behind them, in the order it has.
 */
export function inOrder<T>(deliveries: readonly T[], messageOf: (delivery: T) => Message): readonly T[] {
  const placed = deliveries.flatMap((delivery, index) => {
    const place = placeOf(messageOf(delivery));
    return place === undefined ? [] : [{ delivery, place, index }];
  });
  if (placed.length === 0) return deliveries;
  placed.sort((a, b) => a.place - b.place || a.index - b.index);
  const others = deliveries.filter((delivery) => placeOf(messageOf(delivery)) === undefined);
  return [...placed.map(({ delivery }) => delivery), ...others];
}

/** The places of messages in this order: each keeps its own, those without follow. */
export function placesFor(messages: readonly Message[]): readonly number[] {
  let last = -1;
  return messages.map((message) => {
    const place = placeOf(message);
    last = place !== undefined && place > last ? place : last + 1;
    return last;
  });
}
