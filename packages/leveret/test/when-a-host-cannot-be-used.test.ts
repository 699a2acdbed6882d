import { expect } from 'chai';
import { Leveret, type LeveretError, silentLogger } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { Resumption } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when a host cannot be used', (broker) => {
  it('uses the next one when the first is down, and the first again when that goes', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('hosts'));
    const resumption = new Resumption(raw, queue);
    await using first = await TcpProxy.start(broker.port);
    await using second = await TcpProxy.start(broker.port);
    await first.down();
    await using running = await startApp([first.url, second.url], {
      listeners: [orderListener({ queue }, resumption.took)],
    });
    await resumption.untilTaken();
    expect(first.accepted).to.equal(0);
    expect(running.of('connected').map(({ host }) => host)).to.deep.equal(Array(2).fill(`127.0.0.1:${second.port}`));
    await first.up();
    await second.down();
    await resumption.untilTaken();
    await eventually('both connections', () => first.open === 2);
  });

  it('fails the start at once when the credentials are refused', async () => {
    const began = performance.now();
    const error = await start(broker.url.replace('guest:guest', 'guest:wrong'));
    expect(error?.code).to.equal('LEV_AUTHENTICATION_REFUSED');
    expect(error?.message).to.not.contain('wrong');
    expect(performance.now() - began).to.be.below(5000);
  });

  it('keeps trying at the start until the broker is there [spring 56]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('late'));
    const resumption = new Resumption(raw, queue);
    await using proxy = await TcpProxy.start(broker.port);
    await proxy.down();
    let failures = 0;
    const starting = startApp(proxy.url, {
      listeners: [orderListener({ queue }, resumption.took)],
      onEvent: ({ type }) => {
        if (type === 'connect-failed') failures++;
      },
    });
    await eventually('two rounds of attempts', () => failures >= 4);
    await proxy.up();
    await using _running = await starting;
    await resumption.untilTaken();
  });

  it('fails the start when no host answers within startTimeout', async () => {
    await using proxy = await TcpProxy.start(broker.port);
    await proxy.down();
    const error = await start(proxy.url, { startTimeout: 300 });
    expect(error?.code).to.equal('LEV_CONNECTION_FAILED');
    expect(error?.message).to.contain(String(proxy.port));
  });

  function start(urls: string, more: object = {}): Promise<LeveretError | undefined> {
    const listeners = [orderListener({ queue: unique('never') }, () => undefined)];
    return Leveret.start({ connection: { urls, ...more }, listeners, logger: silentLogger }).then(
      () => undefined,
      (reason: LeveretError) => reason,
    );
  }
});
