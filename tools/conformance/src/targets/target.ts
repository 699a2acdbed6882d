import type { BrokerVersion } from '@leveret/broker';
import type { Plain } from '../wire/plain-fields.js';

/** A user both brokers know who may touch names with `limited` in them only. */
export const LIMITED_USER = { name: 'limited', password: 'limited', pattern: '^limited' } as const;

/** A broker that a program can be run against: the embedded one or a real node. */
export interface Target {
  readonly version: BrokerVersion;
  readonly port: number;
  /** The virtual host that is this run's own. */
  readonly vhost: string;
  /** What it does is finished when it has answered; otherwise what is expected is waited for. */
  readonly finishesAtOnce: boolean;
  /** Makes `ms` pass; `elapsedMs` is where the program's own time stands afterwards, counted from its start. */
  pass(ms: number, elapsedMs: number, startedAt: number): Promise<void>;
  /** Resolves when the broker knows that a client's connection was cut. */
  forgets(localPort: number): Promise<void>;
  /** A request to the management API: the status, and the reason of a refusal. `{vhost}` in the path is the run's own. */
  http(method: string, path: string, body: Plain | undefined): Promise<string>;
  closeConnections(reason: string): Promise<void>;
  alarm(raised: boolean): Promise<void>;
  restart(): Promise<void>;
}

/** What both targets do for a request to the management API. */
export async function request(
  base: string | undefined,
  method: string,
  path: string,
  body: Plain | undefined,
): Promise<string> {
  if (base === undefined) throw new Error('expected a broker with the management API, received one without');
  const url = new URL(base);
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`;
  const response = await fetch(`http://${url.host}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (response.status < 400) return String(response.status);
  return `${response.status} ${text}`;
}
