import type { Clock } from '@leveret/core';
import type { Channel } from 'amqplib';

// The parts of amqplib that its types leave out. All are read with a fallback.
interface Internals {
  readonly ch?: number;
  readonly connection?: {
    readonly channels?: (Slot | null)[];
    readonly freeChannels?: { set(index: number): void; clear(index: number): void };
  };
}

interface Slot {
  readonly channel: { accept(frame: unknown): void; toClosed(): void };
}

// What is on its way arrives within a round trip; this is many of them.
const QUARANTINE_MS = 5000;

/**
 * Keeps the number of a channel that has just ended from being used, and drops what still arrives on it, for 5 s.
 *
 * RabbitMQ closes a channel from another process than the one that delivers on it: a delivery can follow the close.
 * amqplib takes it for a fault of the connection ("Frame on unknown channel") and ends that with all other channels.
 * The message of a dropped delivery comes again, because the channel that it was delivered on is gone.
 */
export function quarantineChannel(channel: Channel, clock: Clock): void {
  const { ch: number, connection } = channel as unknown as Internals;
  const { channels, freeChannels } = connection ?? {};
  // Taken already: by a new channel, which must not be disturbed.
  if (number === undefined || channels === undefined || freeChannels === undefined || channels[number] !== null) return;
  const slot: Slot = { channel: { accept: () => {}, toClosed: () => {} } };
  channels[number] = slot;
  freeChannels.set(number);
  clock.after(QUARANTINE_MS, () => {
    if (channels[number] !== slot) return;
    channels[number] = null;
    freeChannels.clear(number);
  });
}
