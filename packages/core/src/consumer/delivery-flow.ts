import type { RateLimit } from '../outage/rate-limit.js';
import type { InHand } from './at-pause.js';

/** What a delivery asks of its listener, and tells it. */
export interface DeliveryFlow {
  /** What becomes of deliveries at the moment, when the listener takes none; `undefined` while it does. */
  readonly inHand: InHand | undefined;
  /** It takes none because something that its messages need is down. */
  readonly isOutage: boolean;
  /** Holds back what may not begin yet. */
  readonly rate: RateLimit | undefined;
  /** To be kept with each attempt that begins. */
  readonly moment: number;
  /** An attempt that began then has succeeded. */
  succeeded(moment: number): void;
  /**
   * An attempt that began then has failed, as the n-th of its message. The listener may pause because of it. Answers whether it is
   * the fault of an outage: then its message is as good as before.
   */
  failed(error: unknown, moment: number, failures: number): boolean;
}
