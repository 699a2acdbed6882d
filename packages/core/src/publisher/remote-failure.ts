import { isRecord } from '../errors/check-option.js';
import { errorText } from '../errors/error-text.js';
import { type Redact, redactUrls } from '../errors/redact.js';
import { parseJson } from '../message/json-body.js';
import type { Message, MessageHeaders } from '../message/message.js';
import type { RemoteFailure } from './publish-error.js';

/** Header of a reply that carries an error instead of a value. Its value is the name of the error's class. */
export const REMOTE_FAILURE_HEADER = 'x-leveret-error';

/** A reply that tells an error: body, content type and headers. */
export interface RemoteFailureReply {
  readonly body: Buffer;
  readonly contentType: 'application/json';
  readonly headers: MessageHeaders;
}

/**
 * The reply that tells a requester that the listener failed. The body has the form of Spring's `returnExceptions` with
 * its JSON converter, redacted and without the stack trace: `{"exception": {"name", "message", "code"}}`.
 */
export function remoteFailureReply(error: unknown, redact: Redact = redactUrls): RemoteFailureReply {
  const { name, message, code } = describeError(error);
  const failure = { name: name === undefined ? undefined : redact(name), message: redact(message), code };
  return {
    body: Buffer.from(JSON.stringify({ exception: failure })),
    contentType: 'application/json',
    headers: { [REMOTE_FAILURE_HEADER]: failure.name ?? 'Error' },
  };
}

const EXCEPTION = Buffer.from('"exception"');

/** The error that a reply tells, or `undefined` when it carries a value. Reads leveret's form and Spring's. */
export function readRemoteFailure(reply: Message): RemoteFailure | undefined {
  const isMarked = Object.hasOwn(reply.headers, REMOTE_FAILURE_HEADER);
  if (!isMarked && !reply.body.includes(EXCEPTION)) return undefined;
  const told = exceptionOf(reply.body);
  if (told === undefined) return isMarked ? { name: undefined, message: NO_REASON, code: undefined } : undefined;
  return {
    name: textOf(told['name']),
    message: textOf(told['message']) ?? textOf(told['localizedMessage']) ?? NO_REASON,
    code: textOf(told['code']),
  };
}

const NO_REASON = 'no reason given';

/**
 * Spring marks its errors by nothing but the body: `{"exception": {...}, "value": null}`, in any order, or the exception
 * alone. A value that looks so cannot be told from one.
 */
function exceptionOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed = parseJson(body.toString('utf8'), { maxElements: MAX_ELEMENTS, longNumbers: 'round' });
    if (!isRecord(parsed)) return undefined;
    const { exception, ...rest } = parsed;
    const isAlone = Object.entries(rest).every(([name, value]) => name === 'value' && value === null);
    return isRecord(exception) && isAlone ? exception : undefined;
  } catch {
    return undefined;
  }
}

/** A stack trace has some hundred. */
const MAX_ELEMENTS = 100_000;

function describeError(error: unknown): RemoteFailure {
  if (!(error instanceof Error)) return { name: undefined, message: errorText(error), code: undefined };
  return { name: error.name, message: error.message, code: textOf((error as { code?: unknown }).code) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
