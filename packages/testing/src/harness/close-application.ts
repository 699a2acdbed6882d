import { setTimeout as delay } from 'node:timers/promises';
import type { Leveret } from 'leveret';
import type { BrokerSide } from '../broker/broker-side.js';
import { inRealTime } from './real-time.js';

/** How far time is moved at once to end the waits of an application. */
const STEP_MS = 3_600_000;
/** How long an application may still take after it was told to hurry. */
const HURRIED_MS = 2000;

/**
 * Closes an application in real time, although its clock may stand still: after the limit every wait of its own is ended.
 * @param onLimit called when the limit is reached, before anything is cut short
 * @returns whether it has closed
 */
export async function closeApplication(
  app: Leveret,
  side: BrokerSide,
  limitMs: number,
  onLimit: () => void,
): Promise<boolean> {
  const closing = app.close().then(() => true);
  try {
    return await inRealTime(limitMs, closing, () => new Error(`not closed within ${limitMs} ms`));
  } catch {
    onLimit();
  }
  void app.close({ timeout: 0 });
  const endMs = performance.now() + HURRIED_MS;
  let closed = false;
  void closing.then(() => {
    closed = true;
  });
  while (!closed && performance.now() < endMs) {
    if (side.kind === 'embedded') await side.pass(side.clock.monotonic() + STEP_MS);
    await delay(5);
  }
  return closed;
}
