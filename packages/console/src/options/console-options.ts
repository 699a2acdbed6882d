import type { IncomingMessage } from 'node:http';
import type { ConnectionOptions, ManagementOptions } from '@leveret/amqplib';
import {
  type ApplicationPlan,
  type Clock,
  checkKnown,
  consoleLogger,
  customOption,
  type Duration,
  durationOption,
  flagOption,
  functionOption,
  type Logger,
  type LogLevel,
  listOption,
  type OptionsOf,
  Problems,
  type ReadOptions,
  readOptions,
  systemClock,
  textOption,
} from '@leveret/core';
import type { HoldLimits } from '@leveret/operations';
import type { ConsoleApplication, ConsoleOutbox } from '../application/console-application.js';
import { isMaskPath } from '../mask/mask-paths.js';
import type { ConsoleUser } from '../security/sessions.js';
import { type ConsoleTokens, SHORTEST_TOKEN } from '../security/tokens.js';

/** Where the audit log is kept besides the logger. */
export type AuditTarget =
  /** A durable queue, declared when it is not there; a message of JSON for each entry. */
  | { readonly queue: string }
  /** A line of JSON for each entry, at the end of this file. */
  | { readonly file: string };

/** Options of `consoleHandler()`. One of `tokens` and `authorize` must be given. */
export interface ConsoleOptions {
  /** As for an application. Default `amqp://guest:guest@localhost`. */
  readonly connection?: ConnectionOptions;
  /** The management HTTP API. Default: on the first host, port 15672, with the same user; `false`: it is never asked. */
  readonly management?: ManagementOptions | false;
  /** Error queues to show. Default: all that the management API finds. */
  readonly queues?: readonly string[];
  /** Tokens to log in with, of at least 16 characters. */
  readonly tokens?: ConsoleTokens;
  /**
   * Says who sends a request, where the application knows: `undefined` for nobody. There is no login then. Asked for every request,
   * and every 15 s for each page that is open; 5 s at most, and nobody when it throws.
   */
  readonly authorize?: (request: IncomingMessage) => ConsoleUser | undefined | Promise<ConsoleUser | undefined>;
  /** Names under which the console is reached, besides addresses and `localhost`. */
  readonly allowedHosts?: readonly string[];
  /** Where it is mounted, such as `/leveret`, in servers that pass on the whole path. Default: the root. */
  readonly path?: string;
  /** The cookie is sent over TLS alone. Default: where the request came over TLS; `true` behind a proxy that ends TLS. */
  readonly secureCookie?: boolean;
  /** Paths of values that nobody may see, such as `card.number`, `items.*.secret` or `**.cvv`: in bodies, headers and properties. */
  readonly mask?: readonly string[];
  /** With `mask`: shows also bodies that are no JSON, in which no path leads anywhere. Default `false`. */
  readonly showUnreadable?: boolean;
  /** Where the audit log is kept besides the logger. Default: nowhere. */
  readonly audit?: AuditTarget;
  /** The application that the console is mounted into: a `Leveret`. */
  readonly app?: ConsoleApplication;
  /** An outbox of `@leveret/sql`. */
  readonly outbox?: ConsoleOutbox;
  /** What the application declares, as `new Leveret(options).plan()` answers: marked in the topology. */
  readonly plan?: ApplicationPlan;
  /** How much of a queue may be taken in hand. Default 50,000 messages, 512 MiB. */
  readonly limits?: HoldLimits;
  /** How long a discard can be undone. Default 10 minutes. */
  readonly undoFor?: Duration;
  /** How long a login holds. Default 8 hours. */
  readonly sessionFor?: Duration;
  /** So old may be what is shown of a queue: looks are shared. Default 5 s. */
  readonly lookAgainAfter?: Duration;
  readonly clock?: Clock;
  /** Where log lines go, or from which level on they go to the console of the process. Default `info`. */
  readonly logger?: Logger | LogLevel;
}

/** The table of {@link ConsoleOptions}, in the order of the documentation. */
export const CONSOLE_OPTIONS = {
  connection: customOption<ConnectionOptions>({
    byDefault: '`amqp://guest:guest@localhost`',
    text: 'as for an application',
  }),
  management: customOption<ManagementOptions | false>({
    byDefault: 'port 15672 of the first host, the same user',
    text: 'the management HTTP API; `false`: it is never asked',
  }),
  queues: listOption(textOption({ text: 'name' }), {
    byDefault: 'all that the management API finds',
    text: 'error queues to show',
  }),
  tokens: customOption<ConsoleTokens>({
    text: '`{ operate, read }`: tokens to log in with, of at least 16 characters; a role without one cannot be had',
    read: readTokens,
  }),
  authorize: functionOption<NonNullable<ConsoleOptions['authorize']>>({
    takes: 'of the request',
    text: '`(request) => ({ role, who })`, or `undefined` for nobody: where the application knows who it is. There is no login then',
  }),
  allowedHosts: listOption(textOption({ text: 'name' }), {
    text: 'names under which it is reached, besides addresses and `localhost`',
  }),
  path: textOption({ or: '/', text: 'where it is mounted, in servers that pass on the whole path' }),
  secureCookie: flagOption({
    byDefault: 'where the request came over TLS',
    text: 'the cookie is sent over TLS alone: `true` behind a proxy that ends TLS',
  }),
  mask: customOption<readonly string[], readonly string[]>({
    text: 'paths of values that nobody may see, such as `card.number`, `items.*.secret`, `**.cvv`: in bodies, headers and properties',
    read: readMask,
  }),
  showUnreadable: flagOption({ or: false, text: 'with `mask`: shows also bodies that are no JSON' }),
  audit: customOption<AuditTarget>({
    byDefault: 'the logger alone',
    text: '`{ queue }` or `{ file }`: where the audit log is kept besides the logger',
    read: readAudit,
  }),
  app: customOption<ConsoleApplication>({ text: 'the application that it is mounted into: a `Leveret`' }),
  outbox: customOption<ConsoleOutbox>({ text: 'an `Outbox` of `@leveret/sql`' }),
  plan: customOption<ApplicationPlan>({
    text: 'what the application declares, as `new Leveret(options).plan()` answers',
  }),
  limits: customOption<HoldLimits>({
    byDefault: '50,000 messages, 512 MiB',
    text: '`{ maxMessages, maxBytes }`: how much of a queue may be taken in hand',
  }),
  undoFor: durationOption({ or: '10m', text: 'how long a discard can be undone' }),
  sessionFor: durationOption({ or: '8h', text: 'how long a login holds' }),
  lookAgainAfter: durationOption({
    or: '5s',
    zero: true,
    text: 'so old may be what is shown of a queue: looks are shared',
  }),
  clock: customOption<Clock>({ byDefault: 'the time of this process', text: 'another time, for tests' }),
  logger: customOption<Logger | LogLevel, Logger>({
    byDefault: '`info`',
    text: 'where log lines go, or a level: from there on they go to the console of the process',
    read: readLogger,
  }),
} satisfies OptionsOf<ConsoleOptions>;

/** {@link ConsoleOptions} with every default. */
export type ResolvedConsoleOptions = Omit<ReadOptions<typeof CONSOLE_OPTIONS>, 'clock'> & { readonly clock: Clock };

/** @throws {ConfigurationError} with every fault */
export function resolveConsoleOptions(options: ConsoleOptions): ResolvedConsoleOptions {
  const problems = new Problems('console');
  checkKnown(options, Object.keys(CONSOLE_OPTIONS), '', problems);
  const read = readOptions(CONSOLE_OPTIONS, options, problems);
  if ((read.tokens === undefined) === (read.authorize === undefined)) {
    problems.add('give either tokens, to log in with, or authorize, where the application knows who it is');
  }
  problems.throwIfAny();
  return { ...read, clock: read.clock ?? systemClock };
}

function readTokens(value: unknown, name: string, problems: Problems): ConsoleTokens | undefined {
  if (value === undefined) return undefined;
  const { operate, read } = (typeof value === 'object' && value !== null ? value : {}) as ConsoleTokens;
  const given = [operate, read].filter((token) => token !== undefined);
  const areRight = given.every((token) => typeof token === 'string' && token.length >= SHORTEST_TOKEN);
  // The value is a secret, and is not repeated.
  if (given.length === 0 || !areRight) {
    problems.add(
      `${name} must be { operate, read } with a text of at least ${SHORTEST_TOKEN} characters for one of them or both`,
    );
  } else if (operate === read) problems.add(`${name}: the two roles must have different tokens`);
  return { operate, read };
}

const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error', 'silent'] satisfies LogLevel[];

function readLogger(value: unknown, name: string, problems: Problems): Logger {
  if (value === undefined || LEVELS.includes(value)) return consoleLogger(value as LogLevel | undefined);
  const logger = value as Logger | null;
  if (typeof logger === 'object' && typeof logger?.info === 'function') return logger;
  problems.add(`${name} must be one of ${LEVELS.join(', ')}, or a logger`);
  return consoleLogger();
}

function readMask(value: unknown, name: string, problems: Problems): readonly string[] {
  if (value === undefined) return [];
  const isRight = Array.isArray(value) && value.every((path) => typeof path === 'string' && isMaskPath(path));
  if (!isRight) problems.add(`${name} must be a list of paths such as card.number, items.*.secret or **.cvv`);
  return isRight ? (value as string[]) : [];
}

function readAudit(value: unknown, name: string, problems: Problems): AuditTarget | undefined {
  if (value === undefined) return undefined;
  const { queue, file } = (typeof value === 'object' && value !== null ? value : {}) as {
    queue?: unknown;
    file?: unknown;
  };
  const [given, ...more] = [queue, file].filter((each) => each !== undefined);
  if (typeof given !== 'string' || given === '' || more.length > 0)
    problems.add(`${name} must be { queue } or { file }, with its name`);
  return value as AuditTarget;
}
