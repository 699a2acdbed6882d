import { escapeText } from '../errors/escape-text.js';
import { LeveretError } from '../errors/leveret-error.js';
import { redactUrls, redactValue } from '../errors/redact.js';

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
    const line = `${new Date().toISOString()} ${at.toUpperCase().padEnd(5)} ${escapeText(text)}${renderFields(fields, told)}`;
    if (at === 'error' || at === 'warn') out.error(line);
    else out.log(line);
  };
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

/** A logger that says nothing. */
export const silentLogger: Logger = consoleLogger('silent');

/**
 * Writes a line; a logger that throws, as one does whose destination is closed, does not disturb what the line is about.
 * Whatever the logger, passwords of URLs are taken out of texts and errors, and texts are escaped: a stranger chose some of
 * them.
 */
export function logSafely(logger: Logger, level: Exclude<LogLevel, 'silent'>, fields: LogFields, text: string): void {
  try {
    logger[level](shownFields(fields), escapeText(redactUrls(text)));
  } catch {
    // There is no other place to say it.
  }
}

function shownFields(fields: LogFields): LogFields {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') shown[name] = escapeText(redactUrls(value));
    else shown[name] = redactValue(value, redactUrls);
  }
  return shown;
}

function renderFields(fields: LogFields, told: WeakSet<Error>): string {
  let text = '';
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (!(value instanceof Error)) text += ` ${name}=${renderValue(value)}`;
    else if (told.has(value)) text += ` ${name}=${renderValue(String(value))}`;
    else text += `\n${renderError(value)}`;
    if (value instanceof Error) told.add(value);
  }
  return text;
}

function renderError(error: Error): string {
  let text = renderStack(error);
  let { cause } = error;
  for (let depth = 0; cause !== undefined && depth < MOST_CAUSES; depth++) {
    text += `\n  caused by: ${cause instanceof Error ? renderStack(cause) : renderValue(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

/** The text of an error is one line, whatever stands in it; each frame below it is one, and begins with a blank. */
function renderStack(error: Error): string {
  const { stack, message } = error;
  if (typeof stack !== 'string') return escapeText(String(error));
  const [head, frames] = LeveretError.is(error) ? ['', stack] : partsOf(stack, message);
  return escapeText(head) + frames.split('\n').map(asFrame).join('\n');
}

/** The message stands in a stack with its newlines: what is below it are frames. */
function partsOf(stack: string, message: string): readonly [string, string] {
  const at = stack.indexOf(message);
  const end = at === -1 ? stack.search(/\n\s+at /) : at + message.length;
  return end === -1 ? [stack, ''] : [stack.slice(0, end), stack.slice(end)];
}

function asFrame(line: string, index: number): string {
  return escapeText(index === 0 || line.startsWith(' ') ? line : `    ${line}`);
}

function renderValue(value: unknown): string {
  if (typeof value === 'string') {
    return /^[\w.:/*#-]+$/.test(value) ? value : `"${escapeText(value).replaceAll('"', '\\"')}"`;
  }
  try {
    return escapeText(JSON.stringify(value) ?? String(value));
  } catch {
    return escapeText(String(value));
  }
}
