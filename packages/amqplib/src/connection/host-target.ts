import { describeValue, type Problems } from '@leveret/core';

/** One host to try, with all that a connection to it needs. */
export interface HostTarget {
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** `host:port`, for people. */
  readonly label: string;
}

/** The options that say where and as whom to connect. */
export interface HostOptions {
  readonly urls?: string | readonly string[];
  readonly username?: string;
  readonly password?: string;
  readonly vhost?: string;
}

/** Reads the URLs, in the order in which they are tried, and notes faults. */
export function resolveHosts(options: HostOptions, problems: Problems): readonly HostTarget[] {
  const urls = options.urls ?? 'amqp://localhost';
  const list: readonly unknown[] = Array.isArray(urls) ? urls : [urls];
  if (list.length === 0) problems.add('urls is an empty list; give at least one, such as amqp://localhost');
  for (const name of ['username', 'password', 'vhost'] as const) {
    const given: unknown = options[name];
    // Not what it is: a secret that was put in an object is a secret.
    if (given !== undefined && typeof given !== 'string')
      problems.add(`${name} must be a text; got a value of type ${typeof given}`);
  }
  const hosts: HostTarget[] = [];
  for (const [index, url] of list.entries()) {
    const host = readUrl(url, list.length === 1 ? 'urls' : `urls[${index}]`, options, problems);
    if (host !== undefined) hosts.push(host);
  }
  return hosts;
}

/** Whether one of the URLs names a user. */
export function hasUser(urls: HostOptions['urls']): boolean {
  const list = typeof urls === 'string' ? [urls] : (urls ?? []);
  return list.some((url) => URL.canParse(url) && (new URL(url).username !== '' || new URL(url).password !== ''));
}

function readUrl(value: unknown, name: string, options: HostOptions, problems: Problems): HostTarget | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  // The value itself is not shown: it may hold a password.
  if (url === undefined) {
    const got = typeof value === 'string' ? 'a text that is no URL' : describeValue(value);
    problems.add(`${name} must be a URL such as amqp://user:password@host:5672/vhost; got ${got}`);
    return undefined;
  }
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') {
    problems.add(`${name} must begin with amqp:// or amqps://; got ${url.protocol}//`);
    return undefined;
  }
  if (url.search !== '') {
    problems.add(
      `${name} has query parameters (${url.search.split('=')[0]}...), which are not read; use the options of the connection`,
    );
  }
  const tls = url.protocol === 'amqps:';
  const hostname = url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (tls ? 5671 : 5672) : Number(url.port);
  const decode = (part: string, what: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      problems.add(`${name} has a ${what} with a malformed % sequence; write % itself as %25`);
      return '';
    }
  };
  const own = (option: 'username' | 'password' | 'vhost'): string | undefined => {
    const given: unknown = options[option];
    return typeof given === 'string' ? given : undefined;
  };
  const anonymous = url.username === '' && url.password === '';
  return {
    hostname,
    port,
    tls,
    username: own('username') ?? (anonymous ? 'guest' : decode(url.username, 'user name')),
    password: own('password') ?? (anonymous ? 'guest' : decode(url.password, 'password')),
    vhost: own('vhost') ?? (url.pathname.length > 1 ? decode(url.pathname.slice(1), 'virtual host') : '/'),
    label: hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`,
  };
}

/** The same in an order that the random numbers decide. */
export function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const keyed = list.map((item) => ({ item, key: random() }));
  return keyed.sort((left, right) => left.key - right.key).map(({ item }) => item);
}
