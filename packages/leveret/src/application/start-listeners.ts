import { type Clock, LeveretError, type ListenerContainer, type Logger, within } from '@leveret/core';

/** What to do about a queue that cannot be had at the start. See `LeveretOptions.start`. */
export type StartMode = 'fail' | 'wait' | 'degraded';

export const START_MODES = ['fail', 'wait', 'degraded'] as const satisfies readonly StartMode[];

/** How long a start that may be degraded waits for a listener before it goes on without it. */
const DEGRADED_WAIT_MS = 5000;

/** What starting needs besides the listeners. */
export interface StartConditions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mode: StartMode;
  /** How long all consumers together may take to come. */
  readonly timeoutMs: number;
}

/**
 * Starts every listener with `autoStart`, all at once. Those that wait for a missing queue are not waited for, and in
 * `degraded` mode none is for long: it is named in the log and begins by itself when it can.
 * @throws {LeveretError} that names each listener that could not start; the cause is the first one's
 */
export async function startListeners(
  containers: readonly ListenerContainer[],
  conditions: StartConditions,
): Promise<void> {
  const { clock, logger, mode } = conditions;
  const timeoutMs = mode === 'degraded' ? Math.min(DEGRADED_WAIT_MS, conditions.timeoutMs) : conditions.timeoutMs;
  const failures: { readonly id: string; readonly error: unknown }[] = [];
  const wanted = containers.filter(({ definition }) => definition.autoStart);
  await Promise.all(
    wanted.map(async (container) => {
      const { id, definition } = container;
      const started = container.start();
      const goesOnAlone = mode === 'degraded' || definition.missingQueue === 'wait';
      if (goesOnAlone) started.catch((err: unknown) => logger.error({ listener: id, err }, 'listener could not start'));
      if (definition.missingQueue === 'wait') return;
      try {
        await within(clock, timeoutMs, started, () => {
          throw notConsuming(container, timeoutMs);
        });
      } catch (error) {
        failures.push({ id, error });
      }
    }),
  );
  const [first] = failures;
  if (first === undefined) return;
  const texts = failures.map(
    ({ id, error }) => `listener ${id}: ${error instanceof Error ? error.message : String(error)}`,
  );
  if (mode === 'degraded') {
    for (const text of texts) logger.warn({}, `started without ${text}`);
    return;
  }
  const code = LeveretError.is(first.error) ? first.error.code : 'LEV_CHANNEL_CLOSED';
  throw new LeveretError(code, `Nothing was started. ${texts.join(' ')}`, { cause: first.error });
}

/** With what the broker said last, which is why. */
function notConsuming(container: ListenerContainer, timeoutMs: number): LeveretError {
  const { lastError, queue } = container.inspect();
  const why = lastError === undefined ? '' : `; last: ${lastError.message}`;
  return new LeveretError('LEV_CONNECTION_FAILED', `no consumer on ${queue} within ${timeoutMs} ms${why}`, {
    cause: lastError,
  });
}
