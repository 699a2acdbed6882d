/** What a delivery comes to. */
export type Outcome =
  /** Handled: `basic.ack`. */
  | 'ack'
  /** A failed attempt, back to the queue: `basic.reject` with requeue. */
  | 'requeue'
  /** Given back without fault, as at shutdown: `basic.nack` with requeue. */
  | 'give-back'
  /** `basic.reject` without requeue: to the dead letter exchange, if the queue has one. */
  | 'reject';
