import { type Clock, type ListenerContainer, type Publisher, pause, type Transport, within } from '@leveret/core';

import type { Schedule } from '../schedule/schedule.js';

/** What is to be closed, and how much time there is. */
export interface Closing {
  readonly containers: readonly ListenerContainer[];
  readonly schedules: readonly Schedule[];
  readonly publishers: readonly Publisher[];
  /** How long outstanding confirms are waited for, within what is left of the time. */
  readonly confirmsMs: number;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Fires when nobody wants to wait any longer. */
  readonly hurried: AbortSignal;
  /** Lets go of what is left; may take its time, within what is left of it. */
  readonly release: () => Promise<void>;
}

/** Confirms and closing handshakes take a round trip, however short the time given or left. */
const LEAST_MS = 1000;

/**
 * Closes in the order in which nothing is lost: no new deliveries and runs, then what is running, then what it published, then
 * the connections. Never takes much longer than the time given.
 * @returns how many handlers and scheduled methods were still at work when the time was up
 */
export async function closeInOrder(closing: Closing): Promise<number> {
  const { containers, schedules, publishers, transport, clock, hurried } = closing;
  const timeoutMs = hurried.aborted ? 0 : closing.timeoutMs;
  const deadline = clock.monotonic() + timeoutMs;
  const left = () => (hurried.aborted ? LEAST_MS : Math.max(LEAST_MS, deadline - clock.monotonic()));
  const hurry = () => {
    for (const each of [...containers, ...schedules]) each.hurry();
  };
  hurried.addEventListener('abort', hurry, { once: true });
  // One that is being stopped already, by hand, has a time of its own, which may be longer.
  const cancelHurry = clock.after(timeoutMs + LEAST_MS, hurry, true);
  const [reports, runs] = await Promise.all([
    Promise.all(containers.map((container) => container.stop({ timeoutMs }))),
    Promise.all(schedules.map((schedule) => schedule.stop({ timeoutMs }))),
  ]);
  cancelHurry();
  const timeout = Math.min(left(), closing.confirmsMs);
  const confirmed = Promise.all(publishers.map((publisher) => publisher.close({ timeout })));
  await Promise.race([confirmed, fired(hurried)]);
  const cutShort = fired(hurried).then(() => pause(clock, LEAST_MS));
  await Promise.race([transport.close({ timeoutMs: left() }), cutShort]);
  await Promise.race([within(clock, left(), closing.release(), () => undefined), cutShort]);
  const abandonedRuns = runs.filter(({ abandoned }) => abandoned).length;
  return reports.reduce((sum, { abandoned }) => sum + abandoned, abandonedRuns);
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
