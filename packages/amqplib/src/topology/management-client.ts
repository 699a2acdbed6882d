import {
  checkOptions,
  customOption,
  type Duration,
  describeValue,
  durationOption,
  LeveretError,
  type OptionsOf,
  type PolicyDeclaration,
  type Problems,
  readOptions,
  systemClock,
} from '@leveret/core';
import type { ResolvedConnectionOptions } from '../connection/connection-options.js';
import type { HostTarget } from '../connection/host-target.js';
import { askForLogin, type CredentialsSource } from '../connection/login.js';
import { errorText } from '../errors/broker-reply.js';

/**
 * How to reach RabbitMQ's management HTTP API. Everything may be left out: then it is on the first host of the AMQP
 * connection, port 15672 (15671 with TLS), with the same user. The plugin `rabbitmq_management` must be enabled there.
 * @see https://www.rabbitmq.com/docs/management
 */
export interface ManagementOptions {
  /** Such as `http://localhost:15672`; a path in front of `/api` may follow. A user in it is used. */
  readonly url?: string;
  /** Instead of the user in the URL. It needs the tag `policymaker`. Default: the URL's, else that of the AMQP connection,
   * `connection.credentials` included. */
  readonly username?: string;
  /** Instead of the password in the URL. */
  readonly password?: string;
  /** How long one request may take, answer included. From 1 ms; default 10 s. */
  readonly timeout?: Duration;
}

/** {@link ManagementOptions}, checked and complete. */
export interface ResolvedManagementOptions {
  /** Without user and without a slash at the end. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Asked before each request instead of these, when the AMQP connection asks it too and nobody else is named here. */
  readonly credentials?: CredentialsSource;
  /** Virtual host of the AMQP connection. */
  readonly vhost: string;
  readonly timeoutMs: number;
}

/** The table of {@link ManagementOptions}. */
export const MANAGEMENT_OPTIONS = {
  url: customOption<string>({
    byDefault: 'the first host of the connection, port 15672 (15671 with TLS)',
    schema: { type: 'string' },
    text: 'such as `http://localhost:15672`; a path in front of `/api` may follow, and a user in it is used',
  }),
  username: customOption<string>({
    byDefault: "the URL's, else that of the connection",
    schema: { type: 'string' },
    text: 'needs the tag `policymaker`',
    read: readText,
  }),
  password: customOption<string>({
    byDefault: "the URL's, else that of the connection",
    schema: { type: 'string' },
    text: 'password',
    read: readText,
  }),
  timeout: durationOption({ or: '10s', text: 'one request, answer included' }),
} satisfies OptionsOf<ManagementOptions>;

const MAX_SHOWN_BODY = 500;

/** Fills in what is left out from the AMQP connection, and notes faults. */
export function resolveManagementOptions(
  options: ManagementOptions | undefined,
  connection: Pick<ResolvedConnectionOptions, 'hosts'> & Partial<Pick<ResolvedConnectionOptions, 'credentials'>>,
  problems: Problems,
): ResolvedManagementOptions {
  const here = problems.at('management');
  const known = Object.keys(MANAGEMENT_OPTIONS);
  const given = options !== undefined && checkOptions(options, known, '', here) ? (options as ManagementOptions) : {};
  const { username, password, timeoutMs } = readOptions(MANAGEMENT_OPTIONS, given, here);
  const url = readUrl(given.url, here);
  const [host] = connection.hosts;
  const isNamed = [username, password, url?.username, url?.password].some((part) => part !== undefined);
  return Object.freeze({
    url: url?.address ?? defaultUrl(host),
    username: username ?? url?.username ?? host?.username ?? 'guest',
    password: password ?? url?.password ?? host?.password ?? 'guest',
    ...(connection.credentials === undefined || isNamed ? {} : { credentials: connection.credentials }),
    vhost: host?.vhost ?? '/',
    timeoutMs,
  });
}

/** The management HTTP API could not be reached (`status` undefined) or refused a request. */
export class ManagementApiError extends LeveretError {
  static override readonly name: string = 'ManagementApiError';
  /** HTTP status; `undefined` when there was no answer. */
  readonly status: number | undefined;
  /** What the API answered. */
  readonly body: string;

  constructor(message: string, status: number | undefined, body: string, options?: ErrorOptions) {
    super('LEV_MANAGEMENT_API', message, options);
    this.status = status;
    this.body = body;
  }
}

/** Speaks to the management HTTP API. Every request is bounded by the timeout; none is repeated. */
export class ManagementClient {
  readonly #options: ResolvedManagementOptions;

  constructor(options: ResolvedManagementOptions) {
    this.#options = options;
  }

  /**
   * Creates a policy or replaces the one of its name. The broker then applies it to what exists and to what comes.
   * @throws {ManagementApiError} when the API cannot be reached, does not answer in time, or refuses
   * @see https://www.rabbitmq.com/docs/policies
   */
  async putPolicy(policy: PolicyDeclaration): Promise<void> {
    const { name, pattern, definition, applyTo, priority } = policy;
    await this.#request('PUT', `/api/policies/${this.#vhost}/${encodeURIComponent(name)}`, {
      pattern,
      definition,
      'apply-to': applyTo,
      priority,
    });
  }

  async #login(): Promise<{ readonly username: string; readonly password: string }> {
    const { credentials, timeoutMs } = this.#options;
    if (credentials === undefined) return this.#options;
    const { signal } = new AbortController();
    return askForLogin(credentials, { clock: systemClock, timeoutMs, signal });
  }

  /**
   * The routing keys with which anything is bound to an exchange.
   * @throws {ManagementApiError} as above
   */
  async routingKeysOf(exchange: string): Promise<readonly string[]> {
    const path = `/api/exchanges/${this.#vhost}/${encodeURIComponent(exchange)}/bindings/source`;
    const found: unknown = JSON.parse(await this.#request('GET', path));
    const bindings = Array.isArray(found) ? (found as readonly ({ readonly routing_key?: unknown } | null)[]) : [];
    return [...new Set(bindings.map((each) => each?.routing_key).filter((key) => typeof key === 'string'))];
  }

  get #vhost(): string {
    return encodeURIComponent(this.#options.vhost);
  }

  async #request(method: 'GET' | 'PUT', path: string, body?: unknown): Promise<string> {
    const { url, timeoutMs } = this.#options;
    const { username, password } = await this.#login();
    const request = `${method} ${url}${path}`;
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // Whoever redirects is not the broker, and must not be sent the password.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      // A proxy may answer with the request as it came.
      text = withoutSecrets(await response.text(), credentials, password);
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      const fault = isTimeout ? `got no answer within ${timeoutMs} ms` : `failed: ${reasonOf(error)}`;
      throw new ManagementApiError(
        `${request} ${fault}. Is the plugin rabbitmq_management enabled, and is the address right?`,
        undefined,
        '',
        { cause: error },
      );
    }
    if (status < 200 || status > 299) {
      throw new ManagementApiError(refusalText(request, status, text, username), status, text);
    }
    return text;
  }
}

/** Shorter ones would be found in every text, and are no secret. */
const MIN_SECRET = 4;

/** A text in which neither the password nor an Authorization header can be read, however it was written there. */
function withoutSecrets(text: string, credentials: string, password: string): string {
  const encoded = credentials.replace(/=+$/, '');
  const written = JSON.stringify(password).slice(1, -1);
  const known = [encoded, encoded.replaceAll('/', '\\/'), password, written, encodeURIComponent(password)];
  const without = known
    .filter(({ length }) => length >= MIN_SECRET)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  // Also where it was cut. A word such as "authentication" is none.
  return without
    .replace(/\b(basic|bearer)(\s+)[\w+/=.~-]{8,}/gi, (found, scheme, space) =>
      /[A-Z\d]/.test(found.slice(scheme.length)) ? `${scheme}${space}***` : found,
    )
    .replace(/(authorization["']?\s*[:=]\s*["']?)[^"'\r\n<,}]+/gi, '$1***');
}

function refusalText(request: string, status: number, body: string, username: string): string {
  const shown = body.length > MAX_SHOWN_BODY ? `${body.slice(0, MAX_SHOWN_BODY)}...` : body;
  const hints: Readonly<Record<number, string>> = {
    401: `. Check the password of user ${describeValue(username)} and that it has the tag policymaker`,
    403: `. User ${describeValue(username)} needs the tag policymaker and access to the virtual host`,
    404: '. Check the virtual host and the address of the management API',
  };
  return `${request} was refused with status ${status}: ${shown === '' ? 'no text' : shown}${hints[status] ?? ''}`;
}

/** `fetch` says no more than "fetch failed"; why is in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return errorText(cause);
}

interface ReadUrl {
  readonly address: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

function readUrl(value: unknown, problems: Problems): ReadUrl | undefined {
  if (value === undefined) return undefined;
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    // The value itself is not shown: it may hold a password.
    const got = typeof value === 'string' ? 'another text' : describeValue(value);
    problems.add(`url must be a URL such as http://localhost:15672; got ${got}`);
    return undefined;
  }
  const decode = (part: string): string | undefined => {
    try {
      return part === '' ? undefined : decodeURIComponent(part);
    } catch {
      problems.add('url has a user or password with a malformed % sequence; write % itself as %25');
      return undefined;
    }
  };
  return {
    address: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    username: decode(url.username),
    password: decode(url.password),
  };
}

function readText(value: unknown, name: string, problems: Problems): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  problems.add(`${name} must be a text; got ${describeValue(value)}`);
  return undefined;
}

function defaultUrl(host: HostTarget | undefined): string {
  const hostname = host?.hostname ?? 'localhost';
  const address = hostname.includes(':') ? `[${hostname}]` : hostname;
  return host?.tls === true ? `https://${address}:15671` : `http://${address}:15672`;
}
