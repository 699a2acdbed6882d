import { type ConnectionEvent, type ConnectionRole, LeveretError, type Logger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { ConnectionLog } from './connection-log.js';

const broker = { product: 'RabbitMQ', version: '4.3.6', frameMax: 131_072 };
const connected = (role: ConnectionRole, again = true): ConnectionEvent => {
  return { type: 'connected', role, host: 'a', broker, again };
};
const lost = (role: ConnectionRole): ConnectionEvent => ({ type: 'disconnected', role, error: new Error('reset') });
const failed = (role: ConnectionRole, error = new Error('ECONNREFUSED')): ConnectionEvent => {
  return { type: 'connect-failed', role, host: 'a', error, retryInMs: 500 };
};

function setUp() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const fields: object[] = [];
  const line = (level: string) => (about: object, text: string) => {
    if (level !== 'debug') fields.push(about);
    lines.push(`${level}: ${text}`);
  };
  const logger: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const log = new ConnectionLog(logger, clock);
  return {
    clock,
    fields,
    tell: (event: ConnectionEvent) => log.tell(event),
    said: () => lines.filter((text) => !text.startsWith('debug')),
    lines,
  };
}

describe('ConnectionLog', () => {
  it('writes few lines while a node is away for long, and that it is back once', async () => {
    const { clock, tell, said, lines, fields } = setUp();
    tell(lost('consume'));
    tell(lost('publish'));
    for (let half = 0; half < 70; half++) {
      tell(failed('consume'));
      tell(failed('publish'));
      await clock.advance(500);
    }
    tell(connected('publish'));
    tell(connected('consume'));
    expect(said()).to.deep.equal([
      'warn: connection lost; reconnecting',
      'warn: could not connect',
      'warn: could not connect',
      'warn: could not connect',
      'info: connected again',
    ]);
    // Nothing is lost to whoever wants all of it.
    expect(lines).to.have.length(144);
    expect(fields[2]).to.include({ moreAlike: 19 });
    expect(fields.at(-1)).to.include({ connection: 'consume, publish' });
  });

  it('begins anew with the next outage', async () => {
    const { tell, said } = setUp();
    for (let outage = 0; outage < 2; outage++) {
      tell(lost('consume'));
      tell(failed('consume'));
      tell(connected('consume'));
    }
    expect(said()).to.have.length(6);
  });

  it('tells at once what is refused in another way', () => {
    const { tell, said } = setUp();
    tell(failed('consume'));
    tell(failed('consume', new LeveretError('LEV_AUTHENTICATION_REFUSED', 'refused')));
    tell(failed('consume', new LeveretError('LEV_TOPOLOGY_REFUSED', 'refused')));
    expect(said()).to.deep.equal([
      'warn: could not connect',
      'error: the broker refuses the credentials',
      'warn: could not connect',
    ]);
  });

  it('says one line for both connections at the start, without a stack, and leaves the end to whoever started', () => {
    const { tell, said, fields } = setUp();
    const error = new LeveretError('LEV_CONNECTION_FAILED', 'Is RabbitMQ running?');
    tell(failed('consume', error));
    tell(failed('publish', error));
    tell({ type: 'connect-failed', role: 'consume', host: 'a', error, retryInMs: Number.POSITIVE_INFINITY });
    expect(said()).to.deep.equal(['warn: could not connect']);
    expect(fields).to.deep.equal([{ host: 'a', retryInMs: 500, reason: 'Is RabbitMQ running?' }]);
  });

  it('tells of a second connection that is lost later', async () => {
    const { clock, tell, said } = setUp();
    tell(lost('consume'));
    await clock.advance(1_001);
    tell(lost('publish'));
    expect(said()).to.have.length(2);
  });

  it('names the connection of a failed attempt once there was one, and not before', async () => {
    const { tell, fields } = setUp();
    tell(failed('consume'));
    tell(connected('publish', false));
    tell(connected('consume', false));
    tell(failed('consume'));
    const [before, , after] = fields.filter((each) => !('broker' in each)).concat(fields.at(-1) ?? {});
    expect(before).to.not.have.property('connection');
    expect(after).to.include({ connection: 'consume' });
  });

  it('tells of each connection at the start', () => {
    const { tell, said } = setUp();
    tell(connected('consume', false));
    tell(connected('publish', false));
    expect(said()).to.deep.equal(['info: connected', 'info: connected']);
  });
});
