import { type Redact, redactError, redactValue } from '../errors/redact.js';
import type { LogFields, Logger } from './logger.js';

/** The logger, with every text and error that it is given redacted first. */
export function redactingLogger(logger: Logger, redact: Redact): Logger {
  // The same copy for the same error: a logger that tells an error once knows it again.
  const copies = new WeakMap<Error, Error>();
  const copyOf = (error: Error): Error => {
    const copy = copies.get(error) ?? redactError(error, redact);
    copies.set(error, copy);
    return copy;
  };
  const shown = (value: unknown) => (value instanceof Error ? copyOf(value) : redactValue(value, redact));
  const fieldsOf = (fields: LogFields): LogFields =>
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shown(value)]));
  return {
    debug: (fields, text) => logger.debug(fieldsOf(fields), redact(text)),
    info: (fields, text) => logger.info(fieldsOf(fields), redact(text)),
    warn: (fields, text) => logger.warn(fieldsOf(fields), redact(text)),
    error: (fields, text) => logger.error(fieldsOf(fields), redact(text)),
  };
}
