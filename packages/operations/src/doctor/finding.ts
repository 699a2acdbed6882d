/** Something that goes wrong in practice, or will. */
export interface Finding {
  /** Which check found it, such as `dead-letters-lost`. */
  readonly check: string;
  /** `error`: messages are lost or stand still. `warning`: they will be, when something else happens. */
  readonly severity: 'error' | 'warning';
  /** Queue, exchange, policy, listener or node that it is about. */
  readonly about: string;
  readonly what: string;
  readonly why: string;
  /** What to do. */
  readonly fix: string;
}
