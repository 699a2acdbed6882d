import type { PublishOptions, PublishReceipt } from './publish-options.js';

/** One message of a batch: an exchange and routing key, or a queue. */
export type BatchMessage =
  | {
      readonly exchange: string;
      readonly routingKey: string;
      readonly payload: unknown;
      readonly options?: PublishOptions | undefined;
    }
  | { readonly queue: string; readonly payload: unknown; readonly options?: PublishOptions | undefined };

/** How one message of a batch ended, in the shape of `Promise.allSettled`. */
export type PublishResult = PromiseSettledResult<PublishReceipt>;

/**
 * Publishes item after item without waiting for each, and answers one result for each, in the order of the items. Takes
 * the next item only when fewer than `ahead` are unsettled, so that a source of any length needs little memory.
 * @throws what the source throws, once the items taken before have settled
 */
export async function publishAll<T>(
  source: Iterable<T> | AsyncIterable<T>,
  ahead: number,
  publish: (item: T) => Promise<PublishReceipt>,
): Promise<PublishResult[]> {
  const results: PublishResult[] = [];
  let taken = 0;
  let unsettled = 0;
  let wake: (() => void) | undefined;
  const settle = (index: number, result: PublishResult) => {
    results[index] = result;
    unsettled--;
    wake?.();
  };
  const fewerThan = async (limit: number) => {
    while (unsettled >= limit) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    wake = undefined;
  };
  try {
    for await (const item of source) {
      const index = taken++;
      unsettled++;
      callPublish(publish, item).then(
        (value) => settle(index, { status: 'fulfilled', value }),
        (reason: unknown) => settle(index, { status: 'rejected', reason }),
      );
      if (unsettled >= ahead) await fewerThan(ahead);
    }
  } finally {
    await fewerThan(1);
  }
  return results;
}

/** A publish that throws instead of rejecting is no different: what was taken must settle. */
async function callPublish<T>(publish: (item: T) => Promise<PublishReceipt>, item: T): Promise<PublishReceipt> {
  return publish(item);
}
