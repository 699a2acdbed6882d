import { errorText } from './broker-reply.js';

interface TlsError extends Error {
  readonly code?: unknown;
  /** OpenSSL's words, without the memory addresses of the message. */
  readonly reason?: unknown;
  /** The names that the certificate is made out to. */
  readonly cert?: { readonly subjectaltname?: unknown };
}

/** Codes that Node gives a certificate that OpenSSL did not verify. */
const UNVERIFIED = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * What made a TLS handshake fail for good, and what to do about it, in words; `undefined` for every other error, such as
 * one of the connection underneath.
 * @param hostname that was connected to
 * @see https://www.rabbitmq.com/docs/ssl
 */
export function tlsFault(error: unknown, hostname: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, reason, cert } = error as TlsError;
  if (typeof code !== 'string') return undefined;
  const said = typeof reason === 'string' ? reason : errorText(error);
  if (UNVERIFIED.has(code)) {
    return `its certificate is not trusted (${said}). Give the authority that issued it in tls.ca, and see that it is valid.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = typeof cert?.subjectaltname === 'string' ? cert.subjectaltname : 'no name';
    return `its certificate is made out to ${names}, not to ${hostname}. Use one of its names in urls or as tls.servername.`;
  }
  // The first from OpenSSL before 3.2, either from later ones.
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'it does not speak TLS on this port. Use amqp://, or the port that does (5671 unless configured otherwise).';
  }
  if (code.startsWith('ERR_SSL_') && code.includes('_ALERT_')) {
    return (
      `it ended the TLS handshake (${said}). It may require a certificate of this client, or not accept the one it has ` +
      '(tls.cert, tls.key), or want another version of TLS (tls.minVersion, tls.maxVersion).'
    );
  }
  if (code.startsWith('ERR_OSSL_')) return `tls.ca, tls.cert or tls.key cannot be used (${said}).`;
  return undefined;
}
