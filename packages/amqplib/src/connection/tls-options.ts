import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import { checkKnown, describeValue, type Problems } from '@leveret/core';
import type { Mechanism } from '../errors/connection-error.js';

/** What Node's `tls.connect` knows, of what makes sense here. Where to connect is not among it: that is in the URLs. */
const KNOWN = [
  'ALPNProtocols',
  'allowPartialTrustChain',
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'enableTrace',
  'highWaterMark',
  'honorCipherOrder',
  'key',
  'lookup',
  'maxVersion',
  'minDHSize',
  'minVersion',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'rejectUnauthorized',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'servername',
  'session',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
  'ticketKeys',
];

/** The connection's options that decide whether and how it is encrypted. */
export interface TlsChoice {
  readonly tls: unknown;
  readonly mechanism: Mechanism;
  /** Which of the hosts are reached by `amqps://`. */
  readonly encrypted: readonly boolean[];
}

/**
 * Checks that what was meant to be encrypted is: `tls` without `amqps://` would be ignored without a word, and one `amqp://`
 * in a list would be fallen back to.
 */
export function checkTls({ tls, mechanism, encrypted }: TlsChoice, problems: Problems): TlsConnectionOptions {
  const plain = encrypted.flatMap((tlsHere, index) =>
    tlsHere ? [] : [encrypted.length === 1 ? 'urls' : `urls[${index}]`],
  );
  const names = plain.join(', ');
  if (plain.length > 0 && plain.length < encrypted.length) {
    problems.add(
      `some of urls begin with amqps:// and others (${names}) with amqp://, to which the connection would fall back unencrypted; use one of the two for all`,
    );
  } else if (plain.length > 0 && tls !== undefined) {
    problems.add(
      `tls is given, but ${names} begins with amqp://, which is not encrypted; use amqps://, or leave tls out`,
    );
  } else if (plain.length > 0 && mechanism === 'EXTERNAL') {
    problems.add(
      `mechanism EXTERNAL takes the user from a TLS certificate, but ${names} begins with amqp://; use amqps://`,
    );
  }
  if (tls === undefined) return {};
  if (typeof tls !== 'object' || tls === null || Array.isArray(tls)) {
    problems.add(`tls must be an object with options of Node's tls.connect; got ${describeValue(tls)}`);
    return {};
  }
  checkKnown(tls, KNOWN, 'tls', problems);
  const { rejectUnauthorized, checkServerIdentity, servername } = tls as Readonly<Record<string, unknown>>;
  const refuse = (name: string, expected: string, value: unknown) =>
    problems.add(`tls.${name} must be ${expected}; got ${describeValue(value)}`);
  if (rejectUnauthorized !== undefined && typeof rejectUnauthorized !== 'boolean') {
    refuse('rejectUnauthorized', 'true or false', rejectUnauthorized);
  }
  if (checkServerIdentity !== undefined && typeof checkServerIdentity !== 'function') {
    refuse('checkServerIdentity', 'a function', checkServerIdentity);
  }
  if (servername !== undefined && (typeof servername !== 'string' || servername === '')) {
    refuse('servername', 'a text that is not empty', servername);
  }
  return tls;
}

/** What makes TLS less than it seems, to be told at every start. Nothing for a connection without TLS. */
export function tlsWarnings(
  tls: TlsConnectionOptions,
  isEncrypted: boolean,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly string[] {
  if (!isEncrypted) return [];
  const warnings: string[] = [];
  const anybody =
    'whoever is in between can read passwords and messages, and change them. Give the authority in tls.ca';
  if (tls.rejectUnauthorized === false) {
    warnings.push(`tls.rejectUnauthorized is false: the certificate of the broker is not verified, and ${anybody}.`);
  } else if (tls.rejectUnauthorized === undefined && environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    warnings.push(`NODE_TLS_REJECT_UNAUTHORIZED is 0: the certificate of the broker is not verified, and ${anybody}.`);
  }
  if (tls.checkServerIdentity !== undefined) {
    warnings.push(
      'tls.checkServerIdentity is given: it alone decides whether a certificate belongs to the broker. Where only the name differs, tls.servername is safer.',
    );
  }
  return warnings;
}
