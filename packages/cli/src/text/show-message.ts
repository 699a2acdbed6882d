import { escapeText } from '@leveret/core';
import { exportLine, type ParkedMessage } from '@leveret/operations';
import { timeText } from './time-text.js';

/** A message as a person reads it: why it is parked, its headers, its body. */
export function showMessage(parked: ParkedMessage): string {
  const { key, queue, position, message, failure } = parked;
  const facts: readonly (readonly [string, string | number | undefined])[] = [
    ['key', key],
    ['message id', message.messageId],
    ['parked in', `${queue}, place ${position + 1}`],
    ['group', failure.fingerprint],
    ['failed in', failure.queue],
    ['listener', failure.listener],
    ['service', failure.service],
    ['came from', cameFrom(failure.exchange, failure.routingKey)],
    ['reason', failure.reason],
    ['error', [failure.errorName, failure.errorMessage].filter(Boolean).join(': ') || undefined],
    ['attempts', failure.attempts],
    ['first failed', timeText(failure.firstFailedAt)],
    ['last failed', timeText(failure.lastFailedAt)],
    ['content type', message.contentType],
    ['type', message.type],
    ['correlation id', message.correlationId],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd(14)}  ${escapeText(String(value))}`],
  );
  const headers = Object.entries(message.headers)
    .filter(([name]) => name !== 'x-exception-stacktrace' && name !== 'x-exception-message')
    .map(([name, value]) => `  ${escapeText(name)}: ${escapeText(headerText(value))}`);
  const stack = failure.stack === undefined ? [] : ['', 'stack', ...indented(failure.stack)];
  return [...lines, '', 'headers', ...headers, ...stack, '', 'body', ...indented(bodyText(message.body)), ''].join(
    '\n',
  );
}

/** A message as JSON: the line of an export, and what was read from it. */
export function messageJson(parked: ParkedMessage): unknown {
  const { deaths, ...failure } = parked.failure;
  return { ...(JSON.parse(exportLine(parked)) as object), position: parked.position, failure: { ...failure, deaths } };
}

function cameFrom(exchange: string | undefined, routingKey: string | undefined): string | undefined {
  if (exchange === undefined && routingKey === undefined) return undefined;
  return `${exchange === '' ? '(default exchange)' : (exchange ?? '?')} with ${routingKey ?? '?'}`;
}

function headerText(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? String(each) : each)) ?? String(value);
}

/** Pretty where it is JSON, text where it is text, hexadecimal where it is neither. */
function bodyText(body: Buffer): string {
  const text = body.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(body)) return `${body.length} bytes: ${body.toString('hex', 0, 512)}`;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function indented(text: string): readonly string[] {
  return text.split('\n').map((line) => `  ${escapeText(line)}`);
}
