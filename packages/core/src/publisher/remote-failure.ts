import { errorText } from '../errors/error-text.js';
import type { Message, MessageHeaders } from '../message/message.js';
import type { RemoteFailure } from './publish-error.js';

/** Header of a reply that carries an error instead of a value. Its value is the name of the error's class. */
export const REMOTE_FAILURE_HEADER = 'x-leveret-error';

/** A reply that tells an error: body, content type and headers. */
export interface RemoteFailureReply {
  readonly body: Buffer;
  readonly contentType: 'application/json';
  readonly contentEncoding: 'UTF-8';
  readonly headers: MessageHeaders;
}

/**
 * The reply that tells a requester that the listener failed. The body has the form of Spring's `returnExceptions` with
 * its JSON converter, without the stack trace: `{"exception": {"name", "message", "code"}}`.
 */
export function remoteFailureReply(error: unknown): RemoteFailureReply {
  const failure = describeError(error);
  return {
    body: Buffer.from(JSON.stringify({ exception: failure })),
    contentType: 'application/json',
    contentEncoding: 'UTF-8',
    headers: { [REMOTE_FAILURE_HEADER]: failure.name ?? 'Error' },
  };
}

const SPRING_FORM = Buffer.from('{"exception":');

/** The error that a reply tells, or `undefined` when it carries a value. Reads leveret's form and Spring's. */
export function readRemoteFailure(reply: Message): RemoteFailure | undefined {
  const isMarked = Object.hasOwn(reply.headers, REMOTE_FAILURE_HEADER);
  // Spring marks its errors by nothing but the body, so a value with this one property cannot be told from one.
  if (!isMarked && !reply.body.subarray(0, SPRING_FORM.length).equals(SPRING_FORM)) return undefined;
  const told = exceptionOf(reply.body);
  if (told === undefined)
    return isMarked ? { name: undefined, message: 'no reason given', code: undefined } : undefined;
  return {
    name: textOf(told['name']),
    message: textOf(told['message']) ?? 'no reason given',
    code: textOf(told['code']),
  };
}

function exceptionOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    const told = (parsed as { exception?: unknown } | null)?.exception;
    const isAlone = typeof told === 'object' && told !== null && Object.keys(parsed as object).length === 1;
    return isAlone ? (told as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function describeError(error: unknown): RemoteFailure {
  if (!(error instanceof Error)) return { name: undefined, message: errorText(error), code: undefined };
  return { name: error.name, message: error.message, code: textOf((error as { code?: unknown }).code) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
