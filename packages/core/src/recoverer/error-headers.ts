import { createHash } from 'node:crypto';
import { errorText, isError } from '../errors/error-text.js';
import { type Redact, redactUrls } from '../errors/redact.js';
import type { MessageHeaders } from '../message/message.js';
import { tableBytes } from '../message/table-bytes.js';
import { isWritableHeader } from '../message/writable-value.js';
import type { FailedDelivery } from './recoverer.js';

/** Headers that tell a person, or a tool, why a message was parked. */
export interface ErrorHeaderOptions {
  readonly includeStackTrace: boolean;
  /** Longest stack trace in bytes. */
  readonly maxStackTraceBytes: number;
  /** All headers together encode into this many bytes, unless leveret's own facts alone take more. */
  readonly budgetBytes: number;
}

/**
 * The headers of a republished message: those it came with, but none that only leveret may write, plus the names that Spring writes (`x-exception-message`,
 * `x-exception-stacktrace`, `x-original-exchange`, `x-original-routingKey`) and leveret's own (`x-leveret-…`). When they
 * would not fit into one frame, the stack trace is cut first, then the message, neither in the middle of a character;
 * then the largest of the headers it came with are left out and counted in `x-leveret-headers-left-out`, as those are that
 * can be read but not written again: a message that cannot be parked would go round for ever.
 */
export function errorHeaders(failure: FailedDelivery, options: ErrorHeaderOptions): Record<string, unknown> {
  const { message, error, redact = redactUrls } = failure;
  const own: Record<string, unknown> = {
    'x-original-exchange': message.exchange,
    'x-original-routingKey': message.routingKey,
    'x-leveret-listener': failure.listenerId,
    'x-leveret-queue': failure.queue,
    'x-leveret-attempts': failure.attempts,
    'x-leveret-reason': failure.reason,
    'x-leveret-first-failed-at': new Date(failure.firstFailedAt).toISOString(),
    'x-leveret-last-failed-at': new Date(failure.lastFailedAt).toISOString(),
    'x-leveret-error-name': cutUtf8(redact(errorName(error)), 200),
    'x-leveret-fingerprint': fingerprint(error),
  };
  if (failure.redeliveries !== undefined && failure.redeliveries > 0) {
    own['x-leveret-redeliveries'] = failure.redeliveries;
  }
  if (failure.service !== undefined) own['x-leveret-service'] = cutUtf8(failure.service, 200);
  if (message.expiration !== undefined) own['x-leveret-original-expiration'] = message.expiration;
  if (message.userId !== undefined) own['x-leveret-original-user-id'] = message.userId;
  const headers = { ...keptHeaders(message.headers, own, options.budgetBytes), ...own };
  addTexts(headers, error, redact, options);
  return headers;
}

/** What groups failures: the error's name and the first frame of the user's own code, without its line. */
export function fingerprint(error: unknown): string {
  const frame = firstOwnFrame(read(() => (isError(error) ? error.stack : undefined)));
  return createHash('sha256')
    .update(`${errorName(error)}|${frame}`)
    .digest('hex')
    .slice(0, 16);
}

// For the names and length fields of the two texts, and the count of headers left out.
const RESERVED_BYTES = 150;

/** The headers it came with, as far as there is room for them besides our own. */
function keptHeaders(headers: MessageHeaders, own: MessageHeaders, budgetBytes: number): Record<string, unknown> {
  const kept = passedOn(headers);
  let leftOut = 0;
  for (const name of Object.keys(kept)) {
    if (isWritableHeader(name, kept[name])) continue;
    delete kept[name];
    leftOut++;
  }
  let over = tableBytes(kept) + tableBytes(own) + RESERVED_BYTES - budgetBytes;
  if (over <= 0) return leftOut === 0 ? kept : { ...kept, 'x-leveret-headers-left-out': leftOut };
  const bySize = Object.keys(kept)
    .map((name) => ({ name, bytes: tableBytes({ [name]: kept[name] }) }))
    .sort((a, b) => b.bytes - a.bytes);
  for (const { name, bytes } of bySize) {
    if (over <= 0) break;
    delete kept[name];
    over -= bytes - EMPTY_TABLE_BYTES;
    leftOut++;
  }
  return { ...kept, 'x-leveret-headers-left-out': leftOut };
}

const EMPTY_TABLE_BYTES = tableBytes({});

/**
 * Whether a copy must not have this header from the message that it is a copy of. CC and BCC: it must reach the error queue
 * alone. What leveret writes itself: from a sender it would be taken for leveret's word, and from an earlier failure it would
 * stand beside the facts of this one.
 */
export function isNotPassedOn(name: string): boolean {
  return name === 'CC' || name === 'BCC' || OWNED.test(name);
}

// In any case: a person, or a tool that does not look at it, must not take one for the other.
const OWNED = /^x-(?:leveret|original|exception)-/i;

function passedOn(headers: MessageHeaders): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isNotPassedOn(name)));
}

function addTexts(headers: Record<string, unknown>, error: unknown, redact: Redact, options: ErrorHeaderOptions): void {
  // Space that the two texts may share.
  let left = Math.max(0, options.budgetBytes - tableBytes(headers) - RESERVED_BYTES);
  const text = cutUtf8(redact(errorText(error)), Math.min(left, MAX_MESSAGE_BYTES));
  headers['x-exception-message'] = text;
  left -= Buffer.byteLength(text);
  if (!options.includeStackTrace) return;
  const trace = cutUtf8(redact(stackOf(error)), Math.min(left, options.maxStackTraceBytes));
  if (trace !== '') headers['x-exception-stacktrace'] = trace;
}

const MAX_MESSAGE_BYTES = 4096;

function errorName(error: unknown): string {
  return read(() => (isError(error) ? String(error.name) : undefined)) ?? typeof error;
}

/** What is read from an error, or `undefined` when it throws: its properties may be getters, and it may be a proxy. */
function read<T>(of: () => T): T | undefined {
  try {
    return of();
  } catch {
    return undefined;
  }
}

/** The stack with the stacks of its causes, as Node prints them. */
function stackOf(error: unknown): string {
  let text = '';
  let current: unknown = error;
  for (let depth = 0; depth < 8; depth++) {
    const link = current;
    const told = read(() => (isError(link) ? { stack: read(() => link.stack) as unknown } : undefined));
    if (told === undefined) break;
    text += `${depth === 0 ? '' : '\nCaused by: '}${typeof told.stack === 'string' ? told.stack : errorText(link)}`;
    current = read(() => (link as Error).cause);
  }
  return text;
}

function firstOwnFrame(stack: unknown): string {
  for (const line of typeof stack === 'string' ? stack.split('\n') : []) {
    const frame = /^\s+at (.*)$/.exec(line)?.[1];
    if (frame === undefined || /node:|node_modules/.test(frame)) continue;
    // The line and column move with every edit, the directory with every deployment.
    return frame.replace(/(:\d+)+\)?$/, '').replace(/\(?(?:file:\/\/)?[^\s()]*[/\\]/, '@');
  }
  return '';
}

/** Cuts text to at most `maxBytes` of UTF-8, marking the cut with "..." where there is room for it. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const mark = maxBytes >= 6 ? '...' : '';
  const bytes = Buffer.from(text);
  let end = Math.max(0, maxBytes - mark.length);
  // Bytes that begin with 10 continue a character: it goes as a whole.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.toString('utf8', 0, end) + mark;
}
