import type { BrokerOptions } from '@leveret/broker';
import { checkDuration, type Duration, describeValue, Problems } from '@leveret/core';
import type { LeveretOptions } from 'leveret';
import type { AnyClass } from './any-class.js';
import { type ExpectedFailure, matcherOf } from './expected-failures.js';

/** What a service of the container is replaced by: the class or token, and the value. */
export type Override = readonly [service: ServiceIdentifier, value: unknown];

/** What a container knows a service by. */
export type ServiceIdentifier = string | symbol | AnyClass;

/** Which broker a test runs on: the embedded one, or a RabbitMQ by its URL. */
export type BrokerChoice = 'embedded' | `amqp://${string}` | `amqps://${string}` | HarnessBrokerOptions;

/** Options of the embedded broker. Its clock is the harness's own. */
export type HarnessBrokerOptions = Omit<BrokerOptions, 'clock'>;

/**
 * Options of {@link TestHarness.start}: those of `Leveret.start`, as the application under test has them, and some more.
 * The broker, the transport and the clock are the harness's; of `connection` it leaves out where the broker is and who
 * logs in.
 */
export interface HarnessOptions extends Omit<LeveretOptions, 'transport' | 'clock' | 'shutdownHooks'> {
  /**
   * Default: a RabbitMQ when the environment variable `LEVERET_TEST_AMQP_URL` names one, else the embedded broker.
   * `'embedded'`, or options of the embedded broker, for tests that need it.
   */
  readonly broker?: BrokerChoice;
  /** Services of the container to replace, before anything is made: `[[OrderService, fakeOrders]]`, or a `Map`. */
  readonly overrides?: Iterable<Override>;
  /** Failures that are meant, from the start on. See {@link TestHarness.expectFailures}. Default: none are. */
  readonly expectFailures?: boolean | ExpectedFailure;
  /**
   * How long `publish`, `settled` and closing may take, in real time. Default 1.5 s, so that the harness says what is
   * wrong before mocha's 2 s are over; 5 s on a real broker.
   */
  readonly timeout?: Duration;
}

/** {@link HarnessOptions}, checked and complete. */
export interface ResolvedHarnessOptions {
  readonly broker: { readonly url: string } | { readonly options: HarnessBrokerOptions };
  readonly overrides: readonly Override[];
  readonly expected: ((error: unknown) => boolean) | undefined;
  readonly timeoutMs: number;
  /** What is handed to leveret as it is. */
  readonly application: LeveretOptions;
}

/** The environment variable that makes every harness run on a real broker. */
export const AMQP_URL_VARIABLE = 'LEVERET_TEST_AMQP_URL';
/** The environment variable that names its management API. */
export const MANAGEMENT_URL_VARIABLE = 'LEVERET_TEST_MANAGEMENT_URL';

const EMBEDDED_TIMEOUT_MS = 1500;
const REAL_TIMEOUT_MS = 5000;

/**
 * Checks and completes the options; those of leveret are checked by leveret.
 * @throws {ConfigurationError} with every fault
 */
export function resolveHarnessOptions(
  given: HarnessOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ResolvedHarnessOptions {
  const { broker, overrides, expectFailures, timeout, ...application } = given;
  const problems = new Problems();
  for (const name of ['transport', 'clock', 'shutdownHooks'] as const) {
    if ((application as LeveretOptions)[name] !== undefined) {
      problems.add(`${name} is the harness's own; leave it out`);
    }
  }
  const choice = resolveBroker(broker, env, problems);
  const fallbackMs = 'url' in choice ? REAL_TIMEOUT_MS : EMBEDDED_TIMEOUT_MS;
  const resolved = {
    broker: choice,
    overrides: resolveOverrides(overrides, problems),
    expected:
      expectFailures === undefined || expectFailures === false
        ? undefined
        : matcherOf(expectFailures === true ? undefined : expectFailures, problems),
    timeoutMs: timeout === undefined ? fallbackMs : checkDuration(timeout, 'timeout', fallbackMs, problems),
    application,
  };
  problems.throwIfAny();
  return Object.freeze(resolved);
}

function resolveBroker(
  given: unknown,
  env: Readonly<Record<string, string | undefined>>,
  problems: Problems,
): ResolvedHarnessOptions['broker'] {
  const url = given ?? (env[AMQP_URL_VARIABLE] || 'embedded');
  if (url === 'embedded') return { options: {} };
  if (typeof url === 'object' && url !== null) return { options: url };
  if (typeof url === 'string' && /^amqps?:\/\//.test(url) && URL.canParse(url)) return { url };
  const name = given === undefined ? AMQP_URL_VARIABLE : 'broker';
  // The value itself may hold a password.
  const got = typeof url === 'string' ? 'another text' : describeValue(url);
  problems.add(`${name} must be 'embedded', a URL such as amqp://localhost, or options of the broker; got ${got}`);
  return { options: {} };
}

function resolveOverrides(given: unknown, problems: Problems): readonly Override[] {
  if (given === undefined) return [];
  const isIterable = typeof given === 'object' && given !== null && Symbol.iterator in given;
  const pairs: readonly unknown[] = isIterable ? [...(given as Iterable<unknown>)] : [given];
  if (isIterable && pairs.every((pair) => Array.isArray(pair) && pair.length === 2))
    return pairs as readonly Override[];
  problems.add(
    `overrides must be pairs of a class or token and a value, such as [[OrderService, fakeOrders]]; got ${describeValue(given)}`,
  );
  return [];
}
