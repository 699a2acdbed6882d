import { consoleLogger, describeValue, type Logger, type LogLevel, logSafely, type Problems } from '@leveret/core';

export const LEVELS: readonly unknown[] = ['debug', 'info', 'warn', 'error', 'silent'] satisfies LogLevel[];
const METHODS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly (keyof Logger)[];

/** The option `logger`: what it answers never throws. */
export function readLogger(given: unknown, _name: string, problems: Problems): Logger {
  return unfailing(loggerOf(given, problems));
}

function loggerOf(given: unknown, problems: Problems): Logger {
  if (given === undefined) return consoleLogger();
  if (LEVELS.includes(given)) return consoleLogger(given as LogLevel);
  const logger = given as Partial<Logger> | null;
  if (typeof logger === 'object' && METHODS.every((method) => typeof logger?.[method] === 'function')) {
    return logger as Logger;
  }
  problems.add(
    `logger must be one of ${LEVELS.map(describeValue).join(', ')}, or an object with the methods ${METHODS.join(', ')} (pino fits); got ${describeValue(given)}`,
  );
  return consoleLogger();
}

/** A logger that throws, as one does whose destination is closed, must keep nothing from being started, handled or closed. */
function unfailing(logger: Logger): Logger {
  return {
    debug: (fields, text) => logSafely(logger, 'debug', fields, text),
    info: (fields, text) => logSafely(logger, 'info', fields, text),
    warn: (fields, text) => logSafely(logger, 'warn', fields, text),
    error: (fields, text) => logSafely(logger, 'error', fields, text),
  };
}
