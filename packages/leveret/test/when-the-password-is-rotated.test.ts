import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachMortalBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachMortalBroker('when the password is rotated', function (broker) {
  this.timeout(60_000);
  afterEach(() => broker.changePassword('guest', 'guest'));

  it('is down while the broker refuses the old one, and handles on when it is right again', async () => {
    const queue = unique('rotation');
    const handled: number[] = [];
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, {
      listeners: [orderListener({ queue: { name: queue } }, ({ id }) => handled.push(id))],
    });
    const { app } = running;
    await app.publisher.sendToQueue(queue, { id: 1 });
    await eventually('the first', () => running.count('handled') === 1);
    await broker.changePassword('guest', 'rotated');
    proxy.cut();
    const refused = () =>
      running.of('connect-failed').filter(({ error }) => Reflect.get(error, 'code') === 'LEV_AUTHENTICATION_REFUSED');
    await eventually('refusals', () => refused().length >= 2);
    expect(app.health().status).to.equal('down');
    expect(app.health().listeners[0]?.state).to.equal('running');
    await broker.changePassword('guest', 'guest');
    await eventually('up again', () => app.health().status === 'up');
    await app.publisher.sendToQueue(queue, { id: 2 });
    await eventually('the second', () => handled.includes(2));
    expect(running.count('listener-failed')).to.equal(0);
  });
});
