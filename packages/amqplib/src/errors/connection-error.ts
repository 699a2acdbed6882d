import { LeveretError } from '@leveret/core';
import { brokerReply, errorText } from './broker-reply.js';
import { tlsFault } from './tls-error.js';

/** Where a connection was tried, as far as an error text may show it: never a password. */
export interface AttemptedHost {
  readonly hostname: string;
  readonly label: string;
  readonly username: string;
  readonly vhost: string;
}

/** How a connection authenticates. */
export type Mechanism = 'PLAIN' | 'AMQPLAIN' | 'EXTERNAL';

/** What an attempt to connect came to. */
export type ConnectFault =
  /** User name or password refused. */
  | 'credentials'
  /** The virtual host was refused; amqplib does not say why, and a broker that shuts down looks the same. */
  | 'vhost'
  /** The broker does not know the mechanism, or does not allow it. */
  | 'mechanism'
  /** Anything that may mend itself. */
  | 'unreachable';

/** Decides what a failed attempt means. */
export function connectFault(error: unknown): ConnectFault {
  if (brokerReply(error)?.code === 403) return 'credentials';
  if (error instanceof Error && error.message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose'))
    return 'vhost';
  if (error instanceof Error && error.message.startsWith('SASL mechanism ')) return 'mechanism';
  return 'unreachable';
}

/**
 * Whether an attempt failed because nobody was there: the port refused, or the connection was dropped before the end of the
 * handshake, as a proxy does that has no broker behind it.
 */
export function isNobodyHome(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isNobodyHome);
  if (isHandshakeCutOff(error)) return true;
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

/** amqplib's words. */
const HANDSHAKE_CUT_OFF = 'Socket closed abruptly during opening handshake';

// A broker that shuts down refuses a virtual host in the same words as one that does not have it.
const VHOST_REFUSALS_BELIEVED = 3;

/**
 * Decides whether a refused virtual host ends the attempts. Once there was a connection the virtual host is right, and what
 * is wrong now may pass: it is down while the broker recovers, or has too many connections.
 * @param refusals in a row, this one included, over all hosts
 */
export function isVhostRefusalBelieved(refusals: number, hosts: number, starting: boolean): boolean {
  return starting && refusals >= VHOST_REFUSALS_BELIEVED * hosts;
}

/**
 * The error of one failed attempt, in words a person can act on; the cause is amqplib's error.
 * @param starting whether there has been no connection yet: then the place may be wrong
 */
export function connectionError(
  error: unknown,
  host: AttemptedHost,
  mechanism: Mechanism,
  starting = false,
): LeveretError {
  const cause = { cause: error };
  switch (connectFault(error)) {
    case 'credentials':
      return new LeveretError('LEV_AUTHENTICATION_REFUSED', refusedUserText(error, host, mechanism), cause);
    case 'vhost':
      return new LeveretError(
        'LEV_AUTHENTICATION_REFUSED',
        `${host.label} refused virtual host ${JSON.stringify(host.vhost)} to user ${JSON.stringify(host.username)}: ` +
          'it does not exist, the user has no permission on it, or its connection limit is reached. ' +
          commandsFor(host),
        cause,
      );
    case 'mechanism':
      return new LeveretError(
        'LEV_AUTHENTICATION_REFUSED',
        `${host.label} does not offer the mechanism ${mechanism}. List it in its auth_mechanisms (EXTERNAL needs the ` +
          'plugin rabbitmq_auth_mechanism_ssl and a TLS listener), or choose another.',
        cause,
      );
    case 'unreachable': {
      const why = tlsFault(error, host.hostname) ?? errorText(error);
      const hint = starting ? placeHint(error, host.label) : '';
      return new LeveretError('LEV_CONNECTION_FAILED', `Cannot connect to ${host.label}: ${why}${hint}`, cause);
    }
  }
}

/** What an administrator types where a virtual host, or the right to use it, is missing. */
function commandsFor({ vhost, username }: AttemptedHost): string {
  const [name, user] = [shellText(vhost), shellText(username)];
  return `These make both: rabbitmqctl add_vhost ${name}; rabbitmqctl set_permissions -p ${name} ${user} '.*' '.*' '.*'`;
}

/** As a POSIX shell reads it back. */
function shellText(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What may be wrong with the place, when nothing there has ever answered; empty where that is not the question. */
function placeHint(error: unknown, label: string): string {
  if (isHandshakeCutOff(error)) {
    return `. Something there hangs up on AMQP: amqp:// is for port 5672, amqps:// for 5671, and 15672 is the management's`;
  }
  if (error instanceof Error && /^Frame size \d+ exceeds/.test(error.message)) {
    return `. What answers there speaks no AMQP: 5672 is RabbitMQ's usual port, and 15672 the management's, which speaks HTTP`;
  }
  if (isNobodyHome(error)) return `. Is RabbitMQ running at ${label}? Without one: npx @leveret/broker`;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const isUnknown = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return isUnknown ? '. No host of this name is known here: see urls of the connection' : '';
}

function isHandshakeCutOff(error: unknown): boolean {
  return error instanceof Error && error.message === HANDSHAKE_CUT_OFF;
}

function refusedUserText(error: unknown, host: AttemptedHost, mechanism: Mechanism): string {
  const reply = brokerReply(error)?.text.replace(/\.+$/, '');
  if (mechanism === 'EXTERNAL') {
    return (
      `${host.label} refused the user that the certificate of this client names: ${reply}. ` +
      'Check that the broker has a user of this name, and which part of the certificate it takes (ssl_cert_login_from).'
    );
  }
  return (
    `${host.label} refused user ${JSON.stringify(host.username)}: ${reply}. ` +
    'Check the user name and password of the connection; user "guest" may connect from the same machine only.'
  );
}

/** Whether an attempt failed in the TLS handshake for a reason that does not mend itself, such as a wrong authority. */
export function isTlsError(error: Error): boolean {
  return tlsFault(error.cause, '') !== undefined;
}

/** Whether an error means that the broker refused user, password or virtual host. */
export function isAuthenticationError(error: Error): boolean {
  return LeveretError.is(error) && error.code === 'LEV_AUTHENTICATION_REFUSED';
}

/** Whether an error means that the broker refused a declaration. */
export function isTopologyError(error: Error): boolean {
  return LeveretError.is(error) && error.code.startsWith('LEV_TOPOLOGY_');
}
