import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { eventually } from '../test-support/eventually.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { BrokerSession } from './broker-session.js';

const [QOS, CHANNEL_CLOSE] = ['003c000a', '00140028'];
const SINK = { delivered: () => {}, ended: () => {} };

describe('BrokerSession', () => {
  it('is not opened where nobody listens or what it is given makes no sense, and says why', async () => {
    expect(await rejectionOf(BrokerSession.open({ urls: 'amqp://127.0.0.1:1' }))).to.include({
      code: 'LEV_CONNECTION_FAILED',
    });
    expect(await rejectionOf(BrokerSession.open({ urls: 'http://127.0.0.1' }))).to.include({
      code: 'LEV_CONFIGURATION',
    });
  });

  it('leaves no channel behind a consumer that was not answered in time', async () => {
    const peer = await RawPeer.start();
    const clock = new FakeClock();
    const session = await BrokerSession.open({ urls: peer.url }, clock);
    peer.unanswered.add(QOS).add(CHANNEL_CLOSE);
    let over = false;
    const refused = rejectionOf(session.consume('q', { prefetch: 1 }, SINK)).finally(() => {
      over = true;
    });
    await eventually('the question', () => peer.asked.includes(QOS));
    await clock.advance(30_000);
    await eventually('the end of the channel', () => peer.asked.includes(CHANNEL_CLOSE));
    expect(over).to.equal(false);
    await clock.advance(10_000);
    expect(await refused).to.include({ code: 'LEV_CHANNEL_CLOSED' });
    await session.close();
    await peer.stop();
  });
});
