import { expect } from 'chai';
import { describe, it } from 'mocha';
import { viewTable } from '../control/field-view.js';
import { describeSeen } from '../testing/raw-client.support.test.js';
import { expectLines, Situation, VERSIONS } from '../testing/situation.support.test.js';
import { encodeTable } from '../wire/encode-table.js';
import { longstr } from '../wire/field-table.js';
import { encodeMethod } from '../wire/methods.js';

const HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const LOGIN_REFUSED =
  '0 connection.close 403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. ' +
  'For details see the broker logfile. (0,0)';

/** A connection.start-ok of so many bytes. */
function startOkOf(size: number): Buffer {
  const encode = (padding: string): Buffer =>
    encodeMethod('connection.start-ok', {
      clientProperties: [['padding', longstr(padding)]],
      mechanism: 'PLAIN',
      response: '\0guest\0guest',
      locale: 'en_US',
    });
  return encode('x'.repeat(size - encode('').length));
}

describe('when a client connects', () => {
  it('is greeted as by RabbitMQ', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const client = await situation.open();
    client.raw(HEADER);
    const start = await client.next('connection.start');
    expect(start.method?.text('mechanisms')).to.equal('AMQPLAIN PLAIN');
    expect(start.method?.text('locales')).to.equal('en_US');
    const properties = viewTable(start.method?.table('serverProperties') ?? []);
    expect(properties['version']).to.equal('3.10.8');
    expect(properties['product']).to.equal('RabbitMQ');
    expect(Object.values(properties['capabilities'] as object)).to.deep.equal(Array(9).fill(true));
  });

  it('may say AMQP 0-9 and is served as with 0-9-1', async () => {
    await using situation = await Situation.start();
    const client = await situation.open();
    client.raw(Buffer.from('AMQP\x01\x01\0\x09', 'latin1'));
    const start = await client.next('connection.start');
    expect([start.method?.number('versionMajor'), start.method?.number('versionMinor')]).to.deep.equal([0, 9]);
  });

  it('may log in by AMQPLAIN, and from 4.0 on anonymously', async () => {
    await using situation = await Situation.start();
    const bytes = encodeTable([
      ['LOGIN', longstr('guest')],
      ['PASSWORD', longstr('guest')],
    ]);
    const response = bytes.subarray(4).toString('latin1');
    await expectLines(await situation.connect({ mechanism: 'AMQPLAIN', response }), []);
    await expectLines(await situation.connect({ mechanism: 'ANONYMOUS', response: '' }), []);
  });

  for (const version of VERSIONS) {
    it(`is sent the right protocol header for a wrong one (${version})`, async () => {
      await using situation = await Situation.start({ version });
      for (const wrong of ['AMQP\x01\x01\0\n', 'HTTP/1.1', 'GET / HTTP/1.1\r\n\r\n']) {
        const client = await situation.open();
        client.raw(Buffer.from(wrong, 'latin1'));
        const answer = await client.next('protocol header');
        expect([...(answer.body ?? [])].slice(4)).to.deep.equal(version === '3.10' ? [0, 0, 9, 1] : [3, 1, 0, 0]);
        await client.next('socket closed');
      }
    });
  }

  it('is refused a wrong password with a reply, if it can read it', async () => {
    await using situation = await Situation.start();
    const client = await situation.connect({ password: 'wrong' });
    client.send(0, 'connection.close-ok');
    await expectLines(client, [LOGIN_REFUSED, '0 socket closed']);
  });

  it('is refused without a password, also where the user has none', async () => {
    await using situation = await Situation.start({ users: [{ name: 'ada', password: '', permissions: { '/': {} } }] });
    const client = await situation.connect({ user: 'ada', password: '' });
    expect(describeSeen(await client.next())).to.equal(LOGIN_REFUSED);
  });

  it('is dropped for a mechanism or an answer that makes no sense', async () => {
    await using situation = await Situation.start();
    for (const options of [
      { mechanism: 'EXTERNAL', response: '' },
      { mechanism: 'AMQPLAIN', response: '' },
      { mechanism: 'PLAIN', response: 'guest' },
    ]) {
      const client = await situation.connect(options);
      await client.next('socket closed');
    }
  });

  it('is refused an unknown virtual host', async () => {
    await using situation = await Situation.start();
    const client = await situation.connect({ vhost: 'nope' });
    client.send(0, 'connection.close-ok');
    await expectLines(client, ['0 connection.close 530 NOT_ALLOWED - vhost nope not found (10,40)', '0 socket closed']);
  });

  it('may tune within limits', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    await expectLines(await situation.connect({ frameMax: 4096, channelMax: 1 }), []);
    for (const options of [
      { frameMax: 200_000 },
      { frameMax: 4095 },
      { frameMax: 0 },
      { channelMax: 60_000 },
      { channelMax: 0 },
    ]) {
      const client = await situation.connect(options);
      await client.next('socket closed');
    }
  });

  it('may send no frame larger than the smallest limit before it has tuned', async () => {
    for (const version of VERSIONS) {
      await using situation = await Situation.start({ version });
      const limit = version === '4.3' ? 8192 : 4096;
      for (const size of [limit, limit + 1]) {
        const client = await situation.open();
        client.raw(HEADER);
        await client.next('connection.start');
        client.frame(1, 0, startOkOf(size));
        await client.next(size > limit ? 'socket closed' : 'connection.tune');
      }
    }
  });

  it('needs frames of 8192 bytes in 4.3', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await situation.connect({ frameMax: 4096 });
    await client.next('socket closed');
  });

  it('may open as many channels as negotiated, with any numbers', async () => {
    await using situation = await Situation.start();
    const client = await situation.connect({ channelMax: 3 });
    for (const channel of [1, 2047, 60_000, 4]) client.send(channel, 'channel.open');
    const names = [await client.next(), await client.next(), await client.next()].map(({ name }) => name);
    expect(names).to.deep.equal(Array(3).fill('channel.open-ok'));
    expect(describeSeen(await client.next())).to.equal(
      '0 connection.close 530 NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3) (0,0)',
    );
  });

  it('is sent a heartbeat every half interval while nothing else is sent', async () => {
    await using situation = await Situation.start();
    const client = await situation.connect({ heartbeat: 1 });
    let halves = 0;
    const timer = setInterval(() => halves++, 500);
    for (let beat = 1; beat <= 4; beat++) await client.next('heartbeat');
    clearInterval(timer);
    // Both count on the same clock; one beat in each whole interval would take seven halves or eight.
    expect(halves).to.be.lessThan(7);
  });

  it('closes with a handshake of its own', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(0, 'connection.close');
    expect((await client.next()).name).to.equal('connection.close-ok');
    client.destroy();
  });

  it('may change its secret', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(0, 'connection.update-secret', { newSecret: 'x', reason: 'because' });
    expect((await client.next()).name).to.equal('connection.update-secret-ok');
  });
});
