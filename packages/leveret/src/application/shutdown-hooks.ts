import { describeValue, type Problems } from '@leveret/core';

/** Signals that end a process by default and that Node can catch. */
const KNOWN_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK'] as const;

/** A signal that can close the application. */
export type ShutdownSignal = (typeof KNOWN_SIGNALS)[number];

/** Reads the option: `true` means SIGTERM and SIGINT. */
export function readShutdownHooks(given: unknown, problems: Problems): readonly ShutdownSignal[] {
  if (given === undefined || given === false) return [];
  if (given === true) return ['SIGTERM', 'SIGINT'];
  const known: readonly unknown[] = KNOWN_SIGNALS;
  if (Array.isArray(given) && given.every((signal) => known.includes(signal))) {
    return given as readonly ShutdownSignal[];
  }
  const got = Array.isArray(given) ? given.map(describeValue).join(', ') : describeValue(given);
  problems.add(`shutdownHooks must be true, false, or an array of ${KNOWN_SIGNALS.join(', ')}; got ${got}`);
  return [];
}

/** What signals do to an application. */
export interface ShutdownActions {
  /** The first signal: close, and wait for what is running. */
  close(signal: ShutdownSignal): void;
  /** The second: wait no longer. */
  hurry(signal: ShutdownSignal): void;
}

/**
 * Listens for signals; the result stops that. While it listens, a signal does not end the process by itself: the process
 * ends when nothing is left to do, and the same signal ends it at once after that.
 */
export function installShutdownHooks(
  signals: readonly ShutdownSignal[],
  actions: ShutdownActions,
  emitter: Pick<NodeJS.Process, 'on' | 'off'> = process,
): () => void {
  let count = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    count++;
    if (count === 1) actions.close(signal as ShutdownSignal);
    else actions.hurry(signal as ShutdownSignal);
  };
  for (const signal of signals) emitter.on(signal, onSignal);
  return () => {
    for (const signal of signals) emitter.off(signal, onSignal);
  };
}
