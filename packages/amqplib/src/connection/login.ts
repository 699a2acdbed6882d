import { type Clock, type Duration, describeValue, LeveretError, parseDuration, within } from '@leveret/core';
import { asError, errorText } from '../errors/broker-reply.js';

/** What {@link CredentialsSource} answers. */
export interface Credentials {
  /** Default: `guest`. With OAuth 2 RabbitMQ does not look at it. */
  readonly username?: string;
  /** The password, or the access token. */
  readonly password: string;
  /**
   * How long the password is good for: before that, the source is asked again and living connections get the new one
   * (`connection.update-secret`). Mind the unit when it comes from OAuth 2: `token.expires_in * 1000`. Default: for ever.
   */
  readonly expiresIn?: Duration;
}

/** Asked before each attempt to connect, so that a password that was changed elsewhere is used at once. */
export type CredentialsSource = () => Credentials | Promise<Credentials>;

/** As whom to connect. */
export interface Login {
  readonly username: string;
  readonly password: string;
  /** By the monotonic clock; `undefined` = never. */
  readonly expiresAt: number | undefined;
}

/**
 * Asks the source, at most for `timeoutMs`. The answer is never shown.
 * @throws {LeveretError} LEV_CONNECTION_FAILED when it fails, takes too long, answers no credentials, or the signal fires
 */
export async function askForLogin(
  source: CredentialsSource,
  { clock, timeoutMs, signal }: { readonly clock: Clock; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Login> {
  const askedAt = clock.monotonic();
  const asked = Promise.resolve().then(source);
  let onAbort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(new Error('the connection is being closed'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    signal.throwIfAborted();
    const answer = await within(clock, timeoutMs, Promise.race([asked, aborted]), (): never => {
      throw new Error(`no answer within ${timeoutMs} ms`);
    });
    return readCredentials(answer, askedAt);
  } catch (error) {
    asked.catch(() => {});
    const cause = new Error('the function in connection.credentials failed', { cause: asError(error) });
    throw new LeveretError('LEV_CONNECTION_FAILED', `connection.credentials gave nothing: ${errorText(error)}`, {
      cause,
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function readCredentials(answer: unknown, askedAt: number): Login {
  const { username = 'guest', password, expiresIn } = Object(answer) as { readonly [key: string]: unknown };
  // Neither is shown: both may be secrets, and both are when the wrong one was given.
  if (typeof password !== 'string' || password === '' || typeof username !== 'string') {
    throw new TypeError(
      `it must answer { username, password } as texts that are not empty; got ${answer === undefined ? 'nothing' : `password: ${typeof password}, username: ${typeof username}`}`,
    );
  }
  const lifetimeMs = expiresIn === undefined ? undefined : parseDuration(expiresIn);
  if (expiresIn !== undefined && (lifetimeMs === undefined || lifetimeMs <= 0)) {
    throw new TypeError(
      `expiresIn must be a duration above 0, such as 300000 or '5m'; got ${describeValue(expiresIn)}`,
    );
  }
  return { username, password, expiresAt: lifetimeMs === undefined ? undefined : askedAt + lifetimeMs };
}
