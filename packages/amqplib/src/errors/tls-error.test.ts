import { expect } from 'chai';
import { describe, it } from 'mocha';
import { tlsFault } from './tls-error.js';

function failure(code: string, more: object = {}): Error {
  return Object.assign(new Error('80:error:0A00:SSL routines:::file.c:350:\n'), { code, ...more });
}

describe('tlsFault', () => {
  it('asks for the authority of a certificate that is not trusted', () => {
    const error = Object.assign(new Error('self-signed certificate in certificate chain'), {
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
    });
    expect(tlsFault(error, 'h')).to.include('self-signed certificate in certificate chain').and.include('tls.ca');
  });

  it('says which names a certificate has', () => {
    const error = failure('ERR_TLS_CERT_ALTNAME_INVALID', { cert: { subjectaltname: 'DNS:a, DNS:b' } });
    expect(tlsFault(error, 'c')).to.include('made out to DNS:a, DNS:b, not to c').and.include('tls.servername');
    expect(tlsFault(failure('ERR_TLS_CERT_ALTNAME_INVALID'), 'c')).to.include('made out to no name');
  });

  it('gives alerts in OpenSSL’s words, without its addresses', () => {
    const reason = 'tlsv13 alert certificate required';
    const text = tlsFault(failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { reason }), 'h');
    expect(text).to.include(`(${reason})`).and.include('tls.cert').and.not.include('routines');
  });

  it('recognises a port without TLS', () => {
    expect(tlsFault(failure('ERR_SSL_WRONG_VERSION_NUMBER'), 'h')).to.include('does not speak TLS');
  });

  it('recognises a certificate or key that cannot be read', () => {
    const text = tlsFault(failure('ERR_OSSL_X509_KEY_VALUES_MISMATCH', { reason: 'key values mismatch' }), 'h');
    expect(text).to.include('tls.cert').and.include('(key values mismatch)');
  });

  it('is nothing for what is no fault of TLS', () => {
    for (const error of [failure('ECONNRESET'), new Error('Socket closed'), 'text', failure('EPROTO')])
      expect(tlsFault(error, 'h')).to.equal(undefined);
  });
});
