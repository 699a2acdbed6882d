import type { PublishReceipt } from './publish-options.js';

/** How one message of a batch ended, in the shape of `Promise.allSettled`. */
export type PublishResult = PromiseSettledResult<PublishReceipt>;

/** How a batch is published whose results are not kept. */
export interface PublishAllOptions<T = object> {
  /**
   * Called with the result of each item as it comes, and with its place in the source, from 0: not in this order. Nothing is
   * kept of it. What it throws rejects the call, once the items taken before have settled.
   */
  readonly onResult: (result: PublishResult, item: T, index: number) => void;
}

/** What a batch came to whose results were not kept. */
export interface PublishCounts {
  readonly confirmed: number;
  readonly failed: number;
}

/**
 * Publishes item after item without waiting for each. Takes the next item only when fewer than `ahead` are unsettled, so that
 * a source of any length needs little memory.
 * @throws what the source or `onResult` throws, once the items taken before have settled
 */
export async function publishAll<T>(
  source: Iterable<T> | AsyncIterable<T>,
  ahead: number,
  publish: (item: T) => Promise<PublishReceipt>,
  onResult: (result: PublishResult, item: T, index: number) => void,
): Promise<void> {
  let taken = 0;
  let unsettled = 0;
  let wake: (() => void) | undefined;
  let fault: { readonly error: unknown } | undefined;
  const settle = (result: PublishResult, item: T, index: number) => {
    try {
      onResult(result, item, index);
    } catch (error) {
      fault ??= { error };
    }
    unsettled--;
    if (wake === undefined) return;
    // Who was confirmed by the same frame settles first: then as many follow in one go.
    process.nextTick(wake);
    wake = undefined;
  };
  const fewerThan = async (limit: number) => {
    while (unsettled >= limit) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const take = (item: T): Promise<void> | undefined => {
    const index = taken++;
    unsettled++;
    callPublish(publish, item).then(
      (value) => settle({ status: 'fulfilled', value }, item, index),
      (reason: unknown) => settle({ status: 'rejected', reason }, item, index),
    );
    return unsettled >= ahead ? fewerThan(ahead) : undefined;
  };
  try {
    if (isAsync(source)) {
      for await (const item of source) {
        await take(item);
        if (fault !== undefined) break;
      }
    } else {
      // Not for await, which would wait before each item.
      for (const item of source) {
        const room = take(isThenable(item) ? await item : item);
        if (room !== undefined) await room;
        if (fault !== undefined) break;
      }
    }
  } finally {
    await fewerThan(1);
  }
  if (fault !== undefined) throw fault.error;
}

/** A publish that throws instead of rejecting is no different: what was taken must settle. */
function callPublish<T>(publish: (item: T) => Promise<PublishReceipt>, item: T): Promise<PublishReceipt> {
  try {
    return publish(item);
  } catch (error) {
    return Promise.reject(error);
  }
}

function isAsync<T>(source: Iterable<T> | AsyncIterable<T>): source is AsyncIterable<T> {
  return (source as Partial<AsyncIterable<T>> | null | undefined)?.[Symbol.asyncIterator] !== undefined;
}

function isThenable<T>(item: T): item is T & PromiseLike<T> {
  return typeof (item as Partial<PromiseLike<T>> | null | undefined)?.then === 'function';
}
