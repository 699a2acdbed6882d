import { Leveret, type LeveretEvent, type LeveretOptions, silentLogger } from 'leveret';

/** An application under test, and what it said. */
export interface Running extends AsyncDisposable {
  readonly app: Leveret;
  readonly events: readonly LeveretEvent[];
  /** How often something happened. */
  count(type: LeveretEvent['type']): number;
  /** The events of one type. */
  of<T extends LeveretEvent['type']>(type: T): readonly Extract<LeveretEvent, { readonly type: T }>[];
}

/** Starts an application against a broker (or a proxy before it) and writes down its events. Closes with the test. */
export async function startApp(url: string | readonly string[], options: LeveretOptions): Promise<Running> {
  const events: LeveretEvent[] = [];
  const { connection, ...rest } = options;
  const app = await Leveret.start({
    connection: { urls: url, ...connection },
    logger: silentLogger,
    service: 'test',
    onEvent: (event) => events.push(event),
    ...rest,
  });
  return {
    app,
    events,
    count: (type) => events.filter((event) => event.type === type).length,
    of: <T extends LeveretEvent['type']>(type: T) =>
      events.filter((event): event is Extract<LeveretEvent, { readonly type: T }> => event.type === type),
    [Symbol.asyncDispose]: () => app.close({ timeout: 2000 }),
  };
}
