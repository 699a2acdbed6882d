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

/** The default logger: one line each on the console, from the given level up. */
export function consoleLogger(level: LogLevel = 'info', out: Pick<Console, 'log' | 'error'> = console): Logger {
  const least = LEVELS.indexOf(level);
  const write = (at: LogLevel) => (fields: LogFields, text: string) => {
    if (LEVELS.indexOf(at) < least) return;
    const line = `${new Date().toISOString()} ${at.toUpperCase().padEnd(5)} ${text}${renderFields(fields)}`;
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

function renderFields(fields: LogFields): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    text += value instanceof Error ? `\n${value.stack ?? String(value)}` : ` ${name}=${renderValue(value)}`;
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
