/**
 * Where leveret writes what a person should know. The shape of pino's logger (fields first, text second), so that pino
 * fits as it is.
 */
export interface Logger {
  debug(fields: LogFields, text: string): void;
  info(fields: LogFields, text: string): void;
  warn(fields: LogFields, text: string): void;
  error(fields: LogFields, text: string): void;
}

/** Facts of a log line. An error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

// What an error may be caused by in turn; a chain that bites its tail ends.
const MOST_CAUSES = 5;

/**
 * The default logger: one line each on the console, from the given level up. Below it stand the stack of an error and of
 * what caused it; a later line about the same error only names it.
 */
export function consoleLogger(level: LogLevel = 'info', out: Pick<Console, 'log' | 'error'> = console): Logger {
  const least = LEVELS.indexOf(level);
  const told = new WeakSet<Error>();
  const write = (at: LogLevel) => (fields: LogFields, text: string) => {
    if (LEVELS.indexOf(at) < least) return;
    const line = `${new Date().toISOString()} ${at.toUpperCase().padEnd(5)} ${text}${renderFields(fields, told)}`;
    if (at === 'error' || at === 'warn') out.error(line);
    else out.log(line);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** A logger that says nothing. */
export const silentLogger: Logger = consoleLogger('silent');

/**
 * Writes a line; a logger that throws, as one does whose destination is closed, does not disturb what the line is about.
 */
export function logSafely(logger: Logger, level: Exclude<LogLevel, 'silent'>, fields: LogFields, text: string): void {
  try {
    logger[level](fields, text);
  } catch {
    // There is no other place to say it.
  }
}

function renderFields(fields: LogFields, told: WeakSet<Error>): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!(value instanceof Error)) text += ` ${name}=${renderValue(value)}`;
    else if (told.has(value)) text += ` ${name}=${renderValue(String(value))}`;
    else text += renderStack(value);
    if (value instanceof Error) told.add(value);
  }
  return text;
}

function renderStack(error: Error): string {
  let text = `\n${error.stack ?? String(error)}`;
  let { cause } = error;
  for (let depth = 0; cause !== undefined && depth < MOST_CAUSES; depth++) {
    text += `\n  caused by: ${cause instanceof Error ? (cause.stack ?? String(cause)) : renderValue(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

function renderValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/*#-]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
