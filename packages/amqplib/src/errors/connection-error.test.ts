import { expect } from 'chai';
import { describe, it } from 'mocha';
import { connectFault, connectionError, isNobodyHome, isVhostRefusalBelieved } from './connection-error.js';

const HOST = { hostname: 'h', label: 'h:5672', username: 'app', vhost: 'shop' };
const REFUSED = new Error(
  'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
);
const VHOST = new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>');
const SHUTDOWN = new Error('Handshake terminated by server: 320 (CONNECTION-FORCED) with message "CONNECTION_FORCED"');

describe('connectFault', () => {
  it('tells refusals from faults that may mend themselves', () => {
    expect(connectFault(REFUSED)).to.equal('credentials');
    expect(connectFault(VHOST)).to.equal('vhost');
    expect(connectFault(SHUTDOWN)).to.equal('unreachable');
    expect(connectFault(new Error('connect ECONNREFUSED'))).to.equal('unreachable');
  });
});

describe('isNobodyHome', () => {
  const withCode = (code: string) => Object.assign(new Error('x'), { code });

  it('recognises a refused port and a connection that was dropped in the handshake', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])
      expect(isNobodyHome(withCode(code)), code).to.equal(true);
    expect(isNobodyHome(new Error('Socket closed abruptly during opening handshake'))).to.equal(true);
  });

  it('wants all addresses of a name to be refused', () => {
    expect(isNobodyHome(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]))).to.equal(true);
    expect(isNobodyHome(new AggregateError([withCode('ECONNREFUSED'), withCode('ETIMEDOUT')]))).to.equal(false);
  });

  it('is not fooled by a broker that answers and refuses, nor by silence', () => {
    for (const error of [REFUSED, VHOST, SHUTDOWN, withCode('ETIMEDOUT'), 'ECONNREFUSED'])
      expect(isNobodyHome(error)).to.equal(false);
  });
});

describe('isVhostRefusalBelieved', () => {
  it('believes three in a row from each host at the start', () => {
    expect([1, 2, 3].map((refusals) => isVhostRefusalBelieved(refusals, 1, true))).to.deep.equal([false, false, true]);
    expect([5, 6].map((refusals) => isVhostRefusalBelieved(refusals, 2, true))).to.deep.equal([false, true]);
  });

  it('believes none once there was a connection', () => {
    expect(isVhostRefusalBelieved(100, 1, false)).to.equal(false);
  });
});

describe('connectionError', () => {
  it('says who was refused where', () => {
    const error = connectionError(REFUSED, HOST, 'PLAIN');
    expect(error).to.include({ code: 'LEV_AUTHENTICATION_REFUSED', cause: REFUSED });
    expect(error.message).to.include('h:5672').and.include('"app"').and.include('Login was refused');
  });

  it('says whose user was refused when a certificate names it', () => {
    expect(connectionError(REFUSED, HOST, 'EXTERNAL').message)
      .to.include('certificate')
      .and.not.include('"app"');
  });

  it('says what to do about a mechanism that is not offered', () => {
    const cause = new Error('SASL mechanism EXTERNAL is not provided by the server');
    expect(connectionError(cause, HOST, 'EXTERNAL')).to.include({ code: 'LEV_AUTHENTICATION_REFUSED', cause });
  });

  it('names the virtual host', () => {
    expect(connectionError(VHOST, HOST, 'PLAIN').message)
      .to.include('virtual host "shop"')
      .and.include('"app"');
  });

  it('says which commands make a virtual host, safe to be copied', () => {
    expect(connectionError(VHOST, HOST, 'PLAIN').message).to.match(
      /: rabbitmqctl add_vhost shop; rabbitmqctl set_permissions -p shop app '\.\*' '\.\*' '\.\*'$/,
    );
    const odd = { ...HOST, vhost: "o'n; rm x", username: 'a b' };
    expect(connectionError(VHOST, odd, 'PLAIN').message)
      .to.include("add_vhost 'o'\\''n; rm x'; ")
      .and.include(" 'a b' ");
  });

  it('says what may be wrong with the place, until there has been a connection', () => {
    const withCode = (code: string) => Object.assign(new Error(code), { code });
    const said = (error: Error, starting: boolean) => connectionError(error, HOST, 'PLAIN', starting).message;
    expect(said(withCode('ECONNREFUSED'), true)).to.equal(
      'Cannot connect to h:5672: ECONNREFUSED. Is RabbitMQ running at h:5672? Without one: npx @leveret/broker',
    );
    expect(said(withCode('ENOTFOUND'), true)).to.match(/No host of this name/);
    expect(said(new Error('Socket closed abruptly during opening handshake'), true)).to.match(/hangs up on AMQP/);
    expect(said(new Error('Frame size 1345270062 exceeds maxFrameSize 67108864'), true)).to.match(/speaks no AMQP/);
    expect(said(withCode('ETIMEDOUT'), true)).to.equal('Cannot connect to h:5672: ETIMEDOUT');
    expect(said(withCode('ECONNREFUSED'), false)).to.equal('Cannot connect to h:5672: ECONNREFUSED');
  });

  it('keeps the reason why a host cannot be reached', () => {
    const cause = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    expect(connectionError(cause, HOST, 'PLAIN')).to.include({
      code: 'LEV_CONNECTION_FAILED',
      message: 'Cannot connect to h:5672: ECONNREFUSED',
      cause,
    });
  });
});
