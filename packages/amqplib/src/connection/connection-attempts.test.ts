import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { eventually } from '../test-support/eventually.js';
import { RawPeer } from '../test-support/raw-peer.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { type AttemptEvents, ConnectionAttempts } from './connection-attempts.js';
import { type ConnectionOptions, resolveConnectionOptions } from './connection-options.js';
import type { Link } from './link.js';

const NOBODY = 'amqp://127.0.0.1:1';
const UPDATE_SECRET = '000a0046';

describe('ConnectionAttempts', () => {
  let one: RawPeer;
  let two: RawPeer;
  let clock: FakeClock;
  let told: string[];
  let links: Link[];
  let signal: AbortSignal;
  let abort: () => void;

  beforeEach(async () => {
    [one, two] = await Promise.all([RawPeer.start(), RawPeer.start()]);
    clock = new FakeClock();
    [told, links] = [[], []];
    const controller = new AbortController();
    signal = controller.signal;
    abort = () => controller.abort();
  });
  afterEach(async () => {
    for (const link of links) link.destroy(undefined);
    await Promise.all([one.stop(), two.stop()]);
  });

  function setUp(urls: string[], options: ConnectionOptions = {}, events: Partial<AttemptEvents> = {}) {
    const resolved = resolveConnectionOptions({ urls, shuffle: false, heartbeat: 0, ...options });
    const attempts = new ConnectionAttempts(
      resolved,
      'test',
      {
        starting: () => true,
        prepare: async () => undefined,
        hostFailed: (host, error) => void told.push(`${host} failed: ${(error as { code?: string }).code}`),
        secretNotRenewed: (_error, retryInMs) => void told.push(`not renewed, again in ${retryInMs} ms`),
        linkEvents: () => ({ ended: () => {}, blocked: () => {}, unblocked: () => {} }),
        ...events,
      },
      clock,
    );
    const round = async () => {
      const link = await attempts.round(signal);
      links.push(link);
      return link;
    };
    return { attempts, round, hosts: resolved.hosts };
  }

  const labelOf = (peer: RawPeer) => new URL(peer.url).host;

  it('tries each host once, from where the last round ended, and takes the first that answers', async () => {
    const { attempts, round } = setUp([NOBODY, one.url, two.url]);
    expect((await round()).host).to.equal(labelOf(one));
    expect(attempts.lastHost).to.equal(labelOf(one));
    expect(told).to.deep.equal(['127.0.0.1:1 failed: LEV_CONNECTION_FAILED']);
    expect((await round()).host).to.equal(labelOf(two));
    expect((await round()).host).to.equal(labelOf(one));
    expect(told).to.have.lengthOf(2);
  });

  it('begins with the host that it is told to begin with', async () => {
    const { attempts, round, hosts } = setUp([one.url, two.url]);
    attempts.beginWith(hosts[1]!);
    expect((await round()).host).to.equal(labelOf(two));
    expect((await round()).host).to.equal(labelOf(one));
  });

  it('knows at which hosts of the last round nobody was home', async () => {
    const { url } = one;
    await one.stop();
    const { attempts, round } = setUp([url, NOBODY]);
    const error = await rejectionOf(round());
    expect(error).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(String(error)).to.contain('127.0.0.1:1');
    expect(attempts.unanswered.map(({ label }) => label)).to.deep.equal([new URL(url).host, '127.0.0.1:1']);
    expect(told).to.deep.equal([`${new URL(url).host} failed: LEV_CONNECTION_FAILED`]);
    one = await RawPeer.start(Number(new URL(url).port));
    await round();
    expect(attempts.unanswered).to.deep.equal([]);
  });

  it('hands out what is prepared, knows what is being prepared, and leaves no listener on the signal', async () => {
    let seen: string | undefined;
    const { attempts, round } = setUp(
      [one.url],
      {},
      {
        prepare: async (link) => {
          seen = `${attempts.preparing} ${link.host}`;
        },
      },
    );
    await round();
    expect(seen).to.equal(`${labelOf(one)} ${labelOf(one)}`);
    expect(attempts.preparing).to.equal(undefined);
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(0);
    expect(clock.waits).to.deep.equal([]);
  });

  it('closes a connection that could not be prepared, and tries the next host', async () => {
    const { attempts, round } = setUp(
      [one.url, two.url],
      {},
      {
        prepare: async (link) => {
          if (link.host === labelOf(one)) throw new Error('not to be prepared');
        },
      },
    );
    expect((await round()).host).to.equal(labelOf(two));
    await eventually('the end of the first', () => one.standing === 0);
    expect(told).to.deep.equal([`${labelOf(one)} failed: undefined`]);
    expect(attempts.preparing).to.equal(undefined);
    expect(getEventListeners(signal, 'abort')).to.have.lengthOf(0);
  });

  it('tries no other host when it is given up while one is being prepared', async () => {
    const { round } = setUp(
      [one.url, two.url],
      {},
      {
        prepare: (link) =>
          new Promise((_resolve, reject) => {
            link.onEnd(() => reject(new Error('given up')));
          }),
      },
    );
    const given = rejectionOf(round());
    await eventually('a connection', () => one.connections === 1 && getEventListeners(signal, 'abort').length === 1);
    await eventually('the handshake', () => one.asked.includes('000a0028'));
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    abort();
    expect(await given).to.be.instanceOf(Error);
    await eventually('no connection', () => one.standing === 0);
    expect([two.connections, told]).to.deep.equal([0, []]);
  });

  it('believes that a virtual host is refused when three in a row say so, and counts anew behind one that was accepted', async () => {
    const { round } = setUp([one.url]);
    const codes = async (count: number) => {
      const found: unknown[] = [];
      for (let time = 0; time < count; time++) found.push(((await rejectionOf(round())) as { code?: string }).code);
      return found;
    };
    one.refusesVhost = true;
    expect(await codes(2)).to.deep.equal(['LEV_CONNECTION_FAILED', 'LEV_CONNECTION_FAILED']);
    one.refusesVhost = false;
    await round();
    one.refusesVhost = true;
    expect(await codes(3)).to.deep.equal([
      'LEV_CONNECTION_FAILED',
      'LEV_CONNECTION_FAILED',
      'LEV_AUTHENTICATION_REFUSED',
    ]);
  });

  it('never believes it of one that had accepted it', async () => {
    const { round } = setUp([one.url], {}, { starting: () => false });
    one.refusesVhost = true;
    for (let time = 0; time < 5; time++) {
      expect(await rejectionOf(round())).to.include({ code: 'LEV_CONNECTION_FAILED' });
    }
  });

  it('asks for the login of each attempt, and keeps the secret of what it hands out fresh', async () => {
    let asked = 0;
    const { round } = setUp([one.url], {
      credentials: () => {
        asked++;
        if (asked === 4) throw new Error('the vault is sealed');
        return { password: 's', expiresIn: 1000 };
      },
    });
    await round();
    const link = await round();
    expect(asked).to.equal(2);
    expect(one.asked).to.not.include(UPDATE_SECRET);
    links[0]!.destroy(undefined);
    await clock.advance(750);
    await eventually('another secret', () => one.asked.includes(UPDATE_SECRET));
    expect(asked).to.equal(3);
    await eventually('the next renewal', () => clock.waits.some((ms) => ms > 250));
    await clock.advance(750);
    await eventually('the failure', () => told.length === 1);
    expect(told).to.deep.equal(['not renewed, again in 250 ms']);
    link.destroy(undefined);
    await clock.advance(60_000);
    expect([asked, clock.waits]).to.deep.equal([4, []]);
  });
});
