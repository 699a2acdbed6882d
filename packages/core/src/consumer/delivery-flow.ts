import type { InHand } from './at-pause.js';

/** What a delivery asks of its listener, and tells it. */
export interface DeliveryFlow {
  /** What becomes of deliveries at the moment, when the listener takes none; `undefined` while it does. */
  readonly inHand: InHand | undefined;
}
