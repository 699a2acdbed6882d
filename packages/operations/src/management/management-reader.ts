import { type ApplyReport, applyPolicies, ManagementApiError, type ResolvedManagementOptions } from '@leveret/amqplib';
import type { Clock, PolicyDeclaration } from '@leveret/core';
import {
  type BindingView,
  bindingView,
  type ConsumerView,
  consumerView,
  type ExchangeView,
  exchangeView,
  type PolicyView,
  policyView,
  type QueueActivity,
  type QueueCounts,
  type QueueView,
  queueActivity,
  queueCounts,
  queueView,
} from './views.js';

/** Asks the management HTTP API, and applies policies by it. Every request is bounded by the timeout of the options; none is repeated. */
export class ManagementReader {
  readonly #options: ResolvedManagementOptions;

  constructor(options: ResolvedManagementOptions) {
    this.#options = options;
  }

  /** Virtual host that is asked about. */
  get vhost(): string {
    return this.#options.vhost;
  }

  /** Address, without user. */
  get url(): string {
    return this.#options.url;
  }

  get username(): string {
    return this.#options.username;
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses */
  async queues(): Promise<readonly QueueView[]> {
    return (await this.list(`/api/queues/${this.#vhost}`)).map(queueView);
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses */
  async queueActivities(): Promise<readonly QueueActivity[]> {
    return (await this.list(`/api/queues/${this.#vhost}`)).map(queueActivity);
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses */
  async consumers(): Promise<readonly ConsumerView[]> {
    return (await this.list(`/api/consumers/${this.#vhost}`)).map(consumerView);
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses, or the queue is not there */
  async queueCounts(queue: string): Promise<QueueCounts> {
    const item = await this.get(`/api/queues/${this.#vhost}/${encodeURIComponent(queue)}`);
    return queueCounts((item ?? {}) as Record<string, unknown>);
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses */
  async exchanges(): Promise<readonly ExchangeView[]> {
    return (await this.list(`/api/exchanges/${this.#vhost}`)).map(exchangeView);
  }

  /** Without those of the default exchange. @throws {ManagementApiError} when it cannot be reached or refuses */
  async bindings(): Promise<readonly BindingView[]> {
    return (await this.list(`/api/bindings/${this.#vhost}`)).map(bindingView).filter(({ source }) => source !== '');
  }

  /** @throws {ManagementApiError} when it cannot be reached or refuses */
  async policies(): Promise<readonly PolicyView[]> {
    return (await this.list(`/api/policies/${this.#vhost}`)).map(policyView);
  }

  /** Applies policies, as the start of an application does. Never rejects. */
  applyPolicies(policies: readonly PolicyDeclaration[], version: string): Promise<ApplyReport> {
    return applyPolicies(policies, this.#options, version);
  }

  /** How much later the broker's clock is than ours, in milliseconds, to the second; `undefined` when it does not say. */
  async clockAheadMs(clock: Clock): Promise<number | undefined> {
    const sentAt = clock.now();
    const { headers } = await this.#fetch('/api/whoami');
    const at = Date.parse(headers.get('date') ?? '');
    const answeredAt = clock.now();
    // The second that it names had begun; the answer was written somewhere between the two looks at our clock.
    const aheadMs = at + 500 - (sentAt + answeredAt) / 2;
    return Number.isNaN(aheadMs) ? undefined : aheadMs;
  }

  /** The objects of a list. @throws {ManagementApiError} when it cannot be reached or refuses */
  async list(path: string): Promise<readonly Record<string, unknown>[]> {
    const answer = await this.get(path);
    return Array.isArray(answer) ? answer.filter((each) => typeof each === 'object' && each !== null) : [];
  }

  /**
   * The answer to a GET, as JSON.
   * @param path such as `/api/overview`
   * @throws {ManagementApiError} when it cannot be reached, does not answer in time, or refuses
   */
  async get(path: string): Promise<unknown> {
    const { text, status } = await this.#fetch(path);
    try {
      return JSON.parse(text);
    } catch (error) {
      const said = `GET ${this.#options.url}${path} did not answer JSON: is it RabbitMQ?`;
      throw new ManagementApiError(said, status, '', { cause: error });
    }
  }

  async #fetch(path: string): Promise<{ readonly text: string; readonly status: number; readonly headers: Headers }> {
    const { url, username, password, timeoutMs } = this.#options;
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${url}${path}`, {
        headers: { authorization: `Basic ${credentials}` },
        // Whoever redirects is not the broker, and must not be sent the password.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      text = await response.text();
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError';
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      const fault = isTimeout ? `got no answer within ${timeoutMs} ms` : `failed: ${reason}`;
      throw new ManagementApiError(
        `GET ${url}${path} ${fault}. Is the plugin rabbitmq_management enabled, and is the address right?`,
        undefined,
        '',
        { cause: error },
      );
    }
    if (!response.ok) {
      const hint = HINTS[response.status] ?? '';
      const said = `GET ${url}${path} was refused with status ${response.status}${hint}`;
      throw new ManagementApiError(said, response.status, '');
    }
    return { text, status: response.status, headers: response.headers };
  }

  get #vhost(): string {
    return encodeURIComponent(this.#options.vhost);
  }
}

const HINTS: Readonly<Record<number, string>> = {
  401: ': check the user and the password, and that the user has the tag monitoring or management',
  403: ': the user needs access to the virtual host',
  404: ': check the virtual host and the address of the management API',
};
