/** An application as a store gets to know it: enough to tell another one under the same name. */
export interface ApplicationIdentity {
  readonly service: string;
  /** What is kept under its name, and where it comes from: handlers and their queues, schedules and their times. */
  readonly uses: ReadonlyMap<string, string>;
}

/**
 * Something that a store is not safe with, or not as safe.
 *
 * | kind | meaning |
 * |---|---|
 * | `service-conflict` | another application uses the same name: each takes the other's messages for duplicates |
 * | `forgets-early` | the server drops keys before their time: messages are handled twice |
 * | `loses-commits` | the server answers before what it wrote is safe: after a crash messages are missing, or handled twice |
 * | `unknown` | the server does not say whether it is safe |
 * | `unreachable` | the server could not be asked; it is asked again |
 */
export interface StoreConcern {
  readonly kind: 'service-conflict' | 'forgets-early' | 'loses-commits' | 'unknown' | 'unreachable';
  /** What is amiss, and what to do. */
  readonly text: string;
}

/**
 * What a store may offer besides: asked when an application starts, and again every minute. It writes down who uses it, and
 * answers what is amiss. Rejects when the server cannot be asked, and with a `ConfigurationError` where the store cannot
 * work at all: that refuses a start.
 */
export interface StoreCheck {
  check(application: ApplicationIdentity): Promise<readonly StoreConcern[]>;
}

/**
 * What tells that two applications use one name: the same handler that takes its messages from another queue, the same
 * schedule at other times.
 * @param recorded what was written down under the name before
 */
export function serviceConflicts(
  recorded: ReadonlyMap<string, string>,
  { service, uses }: ApplicationIdentity,
): readonly StoreConcern[] {
  const differing = [...uses].filter(([name, source]) => (recorded.get(name) ?? source) !== source);
  const [first] = differing;
  if (first === undefined) return [];
  const [name, here] = first;
  const more = differing.length > 1 ? ` (and ${differing.length - 1} more)` : '';
  const text = `Another application uses the name of the service ${JSON.stringify(service)}: ${name} is ${recorded.get(name)} there, and ${here} here${more}. Under one name they take each other's messages for duplicates: give each its own. Where this is one service that was changed, this ends with its last old instance.`;
  return [{ kind: 'service-conflict', text }];
}
