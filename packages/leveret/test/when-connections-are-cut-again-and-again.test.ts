import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { report } from './support/resumption.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

const CUTS = 40;
const EVERY_MS = 300;

/** How long it took from each cut to the first that came behind it. */
function resumes(cuts: readonly number[], seen: readonly number[]): number[] {
  return cuts
    .flatMap((cut) => {
      const next = seen.find((at) => at > cut);
      return next === undefined ? [] : [next - cut];
    })
    .sort((left, right) => left - right);
}

onEachBroker('when connections are cut again and again', (broker) => {
  it('goes on soon after each cut: consumers, a publisher, and what both need', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('storm'));
    const handled: number[] = [];
    const confirmed: number[] = [];
    await using proxy = await TcpProxy.start(broker.port);
    const listener = orderListener({ queue, prefetch: 5, concurrency: 2 }, () => void handled.push(performance.now()));
    await using running = await startApp(proxy.url, { listeners: [listener] });
    let isOver = false;
    const sending = (async () => {
      for (let id = 0; !isOver; id++, await delay(5)) await raw.send(queue, { id });
    })();
    const publishing = (async () => {
      for (let id = 100_000; !isOver; id++) {
        await running.app.publisher.publish('', queue, { id });
        confirmed.push(performance.now());
        await delay(5);
      }
    })();
    await eventually('both at work', () => handled.length > 0 && confirmed.length > 0);
    const cuts: number[] = [];
    for (let cut = 0; cut < CUTS; cut++) {
      cuts.push(performance.now());
      proxy.cut();
      await delay(EVERY_MS);
    }
    await eventually('the end of both', () => [handled, confirmed].every((each) => each.at(-1)! > cuts.at(-1)!));
    isOver = true;
    await Promise.all([sending, publishing]);
    for (const [what, seen] of Object.entries({ handled, confirmed })) {
      const times = resumes(cuts, seen);
      const share = (part: number) => times[Math.ceil(times.length * part) - 1]!;
      report(broker.name, `each of ${CUTS} cuts, until ${what}, at worst`, share(1));
      expect(share(0.5), `${what}, the median`).to.be.below(EVERY_MS);
      expect(share(0.9), `${what}, one in ten`).to.be.below(500);
      expect(share(1), `${what}, at worst`).to.be.below(1000);
    }
  }).timeout(90_000);
});
