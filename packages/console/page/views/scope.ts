/** The messages that an act is about. */
export interface Scope {
  readonly selection: 'all' | readonly string[];
  /** Left out: all error queues. */
  readonly queues?: readonly string[] | undefined;
  readonly count: number;
  /** In words: `all of orders.dlq`. */
  readonly what: string;
}
