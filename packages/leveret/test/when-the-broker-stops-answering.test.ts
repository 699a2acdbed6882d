import { expect } from 'chai';
import { it } from 'mocha';
import { eventually, inTime } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when the broker stops answering, and no connection ends', function (broker) {
  this.timeout(60_000);

  it('is degraded for the destination and the queue that have no answer, until they have it', async () => {
    const [queue, busy] = [unique('unanswered'), unique('busy')];
    await using proxy = await TcpProxy.start(broker.port);
    const lines: string[] = [];
    const line = (_fields: object, text: string) => void lines.push(text);
    await using running = await startApp(proxy.url, {
      connection: { heartbeat: '2m' },
      logger: { debug() {}, info: line, warn: line, error: line },
      listeners: [
        orderListener({ id: 'late', queue: { name: queue }, autoStart: false }, () => {}),
        orderListener({ queue: { name: busy } }, () => {}),
      ],
      publisher: { confirmTimeout: '2m' },
    });
    const { app } = running;
    await app.publisher.sendToQueue(queue, { id: 1 });
    expect(app.health()).to.deep.include({ status: 'up', standstills: [] });
    const before = lines.length;
    proxy.freeze();
    const publishing = app.publisher.sendToQueue(queue, { id: 2 });
    const starting = app.listeners.get('late').start();
    const stuck = () => running.of('standstill-began').map(({ standstill }) => standstill);
    await eventually('both to be named', () => stuck().length === 2);
    const [consume, publish] = [
      stuck().find(({ kind }) => kind === 'consume'),
      stuck().find(({ kind }) => kind === 'publish'),
    ];
    expect(consume).to.include({ queue });
    expect(publish).to.include({ exchange: '', routingKey: queue, nacks: 0 });
    for (const { forMs } of stuck()) expect(forMs).to.be.at.least(5_000);
    expect(app.health().status).to.equal('degraded');
    expect(app.health().standstills.map(({ kind }) => kind)).to.have.members(['consume', 'publish']);
    proxy.thaw();
    await inTime('the confirm and the consumer', Promise.all([publishing, starting]));
    await eventually('up again', () => app.health().status === 'up');
    expect(running.count('standstill-began')).to.equal(2);
    expect(running.count('standstill-ended')).to.equal(2);
    expect(running.count('disconnected')).to.equal(0);
    expect(lines.length - before, lines.join('\n')).to.be.at.most(10);
  });
});
