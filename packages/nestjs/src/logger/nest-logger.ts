import { Logger as NestLogger } from '@nestjs/common';
import type { LogFields, Logger } from 'leveret';

/**
 * Writes what leveret has to say with Nest's `Logger`, and so with whatever `app.useLogger` was given. Fields stand behind the
 * text, as `name=value`; an error gives its stack.
 * @param context what Nest puts in brackets. Default `'Leveret'`
 */
export function nestLogger(context = 'Leveret', target: NestTarget = new NestLogger(context)): Logger {
  return {
    debug: (fields, text) => target.debug(lineOf(fields, text)),
    info: (fields, text) => target.log(lineOf(fields, text)),
    warn: (fields, text) => target.warn(lineOf(fields, text)),
    error: (fields, text) => target.error(lineOf(fields, text), stackOf(fields)),
  };
}

/** What is asked of a logger of Nest. */
export interface NestTarget {
  log(message: string): unknown;
  warn(message: string): unknown;
  debug(message: string): unknown;
  error(message: string, stack?: string): unknown;
}

function lineOf(fields: LogFields, text: string): string {
  const facts = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${rendered(value)}`],
  );
  return [text, ...facts].join(' ');
}

function rendered(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === 'string') return /^[\w.:/*#-]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

function stackOf({ err }: LogFields): string | undefined {
  return err instanceof Error ? err.stack : undefined;
}
