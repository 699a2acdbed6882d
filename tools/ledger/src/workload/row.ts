/** What one run is about: the kind of queue, how failures are met, and what makes an effect happen once. */
export interface Row {
  readonly name: string;
  readonly queue: QueueKind;
  readonly failure: FailureKind;
  readonly guard: GuardKind;
  /** The handler settles by itself. */
  readonly manual: boolean;
  /** Publishers write into an outbox; a relay publishes. */
  readonly outbox: boolean;
  /** Handlers run past their time limit now and then, and go on writing. */
  readonly timeout: boolean;
}

export type QueueKind = (typeof QUEUES)[number];
export type FailureKind = (typeof FAILURES)[number];
export type GuardKind = (typeof GUARDS)[number];

const QUEUES = ['classic', 'quorum', 'sac'] as const;
const FAILURES = ['local', 'stateful', 'redeliver', 'republish'] as const;
const GUARDS = ['inbox', 'redis', 'none'] as const;

/** Rows with a name of their own; what they leave open is quorum, local, inbox. */
const SPECIAL: Readonly<Record<string, Partial<Row>>> = {
  manual: { manual: true },
  outbox: { outbox: true },
  timeout: { timeout: true },
};

/** Every row there is, by its name. */
export const ROWS: readonly string[] = [
  ...QUEUES.flatMap((queue) => FAILURES.flatMap((failure) => GUARDS.map((guard) => `${queue}-${failure}-${guard}`))),
  ...Object.keys(SPECIAL),
];

/** Calls of the handler before a message is parked. */
export const MAX_ATTEMPTS = 3;
/** Waits of the row `redeliver`, in milliseconds. */
export const REDELIVER_MS = [1000, 2000];

/**
 * Reads the name of a row: parts in any order, joined by `-`, as in `quorum-redeliver-inbox`. Parts left out are `quorum`,
 * `local` and `inbox`.
 *
 * @throws when a part is unknown or a kind is named twice
 */
export function readRow(text: string): Row {
  const found: { queue?: QueueKind; failure?: FailureKind; guard?: GuardKind } & Partial<Row> = {};
  for (const part of text.split('-')) {
    const kinds = [
      ['queue', QUEUES],
      ['failure', FAILURES],
      ['guard', GUARDS],
    ] as const;
    const kind = kinds.find(([, words]) => (words as readonly string[]).includes(part));
    if (kind !== undefined && found[kind[0]] === undefined) Object.assign(found, { [kind[0]]: part });
    else if (kind === undefined && SPECIAL[part] !== undefined) Object.assign(found, SPECIAL[part]);
    else
      throw new Error(
        `row: expected parts of ${[...QUEUES, ...FAILURES, ...GUARDS, ...Object.keys(SPECIAL)].join(', ')}, each kind once, as in quorum-redeliver-inbox; received '${text}'`,
      );
  }
  const {
    queue = 'quorum',
    failure = 'local',
    guard = 'inbox',
    manual = false,
    outbox = false,
    timeout = false,
  } = found;
  const special = Object.entries({ manual, outbox, timeout }).flatMap(([name, on]) => (on ? [name] : []));
  return { name: [queue, failure, guard, ...special].join('-'), queue, failure, guard, manual, outbox, timeout };
}

/** Whether the row promises the order of each key. Waits at the broker give it up. */
export function keepsOrder(row: Row): boolean {
  return row.queue === 'sac' && row.failure === 'local';
}

/** Calls of the handler after which a message that always fails is parked. */
export function attemptsOf(row: Row): number {
  return row.failure === 'republish' ? 1 : MAX_ATTEMPTS;
}

/** The queues and exchanges of a run. */
export const NAMES = {
  exchange: 'ledger',
  routingKey: 'order',
  queue: 'ledger.orders',
  parkedExchange: 'ledger.parked',
  parkedQueue: 'ledger.parked.queue',
  deadExchange: 'ledger.orders.dlx',
  deadQueue: 'ledger.orders.dlq',
} as const;
