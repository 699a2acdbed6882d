import { type Clock, LeveretError, type ListenerContainer, type Logger, within } from '@leveret/core';

/** What starting needs besides the listeners. */
export interface StartConditions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long all consumers together may take to come. */
  readonly timeoutMs: number;
}

/**
 * Starts every listener with `autoStart`, all at once. Those that wait for a missing queue are not waited for.
 * @throws {LeveretError} that names each listener that could not start; the cause is the first one's
 */
export async function startListeners(
  containers: readonly ListenerContainer[],
  { clock, logger, timeoutMs }: StartConditions,
): Promise<void> {
  const failures: { readonly id: string; readonly error: unknown }[] = [];
  const wanted = containers.filter(({ definition }) => definition.autoStart);
  await Promise.all(
    wanted.map(async (container) => {
      const { id, definition } = container;
      const started = container.start();
      if (definition.missingQueue === 'wait') {
        started.catch((err: unknown) => logger.error({ listener: id, err }, 'listener could not start'));
        return;
      }
      try {
        await within(clock, timeoutMs, started, () => {
          throw new LeveretError('LEV_CONNECTION_FAILED', `no consumer on ${definition.queue} within ${timeoutMs} ms`);
        });
      } catch (error) {
        failures.push({ id, error });
      }
    }),
  );
  const [first] = failures;
  if (first === undefined) return;
  const code = LeveretError.is(first.error) ? first.error.code : 'LEV_CHANNEL_CLOSED';
  const texts = failures.map(
    ({ id, error }) => `listener ${id}: ${error instanceof Error ? error.message : String(error)}`,
  );
  throw new LeveretError(code, `Nothing was started. ${texts.join(' ')}`, { cause: first.error });
}
