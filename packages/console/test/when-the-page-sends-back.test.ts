import { expect } from 'chai';
import { Leveret, listener, republish } from 'leveret';
import { it } from 'mocha';
import type { Page } from 'playwright-core';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { FAILURE_KINDS, type FailureKind } from './support/failed-messages.js';
import { Visits } from './support/visits.js';

const ALL = 1000;
const CANARY = 5;
/** Of one group, so that a rate can be seen in a few seconds. */
const GROUP = 400;
const RATE = 50;

onEachNode('when the page sends back', function (node) {
  // A browser takes most of a core, and other tests run beside it.
  this.timeout(90_000);
  const visits = Visits.on(node);

  it('stops at a canary that fails again, sends at the rate once it is mended, and shows it over a reload', async () => {
    const work = await visits.outside.queue('back work');
    const errors = await visits.outside.queue('back errors', { 'x-queue-type': 'quorum' });
    const kindAt = (index: number) => (index < GROUP ? kindOf(0) : kindOf(1));
    const parked = Array.from({ length: ALL }, (_, index) => ({
      id: String(index),
      kind: kindAt(index),
      failedIn: work,
    }));
    await visits.outside.park(errors, parked);
    const shop = new Shop(work, errors);
    const app = await shop.start(node.url);
    try {
      const visit = await visits.start({
        connection: { urls: node.url },
        management: { url: node.managementUrl },
        queues: [errors],
      });
      const page = await visit.look();
      await page.waitForSelector('.summary:has-text("1,000 messages in 1 queue, 2 groups")');

      // All of them, five first. These fail again.
      await page.click('text=Retry all…');
      expect(await page.inputValue('dialog input[type="number"]')).to.equal(String(CANARY));
      await page.click('text=Show the plan');
      await page.waitForSelector(`dialog .plan:has-text("queue ${work}")`);
      expect(await visits.outside.count(work)).to.equal(0);
      await page.click('text=Send 1,000 messages');
      await page.waitForSelector('.job.stopped');
      const said = await page.innerText('.job.stopped');
      expect(said).to.include('Stopped: 5 of 5 canary messages failed again. The other 995 are untouched.');
      expect(said).to.include('not mended yet');
      expect(shop.failed).to.have.members(['0', '1', '2', '3', '4']);
      await visits.outside.untilCount(errors, ALL);

      // Mended: the group at 50 a second, over a reload.
      shop.isMended = true;
      await page.getByRole('link', { name: 'CardDeclinedError', exact: true }).click();
      // The canary has failed with another error than before, and is a group of its own by now.
      await page.click(`text=Retry ${GROUP - CANARY}…`);
      await page.fill('dialog input[placeholder="as fast as confirmed"]', String(RATE));
      await page.click('text=Show the plan');
      await page.click(`text=Send ${GROUP - CANARY} messages`);
      await page.waitForSelector('.job.sending');
      await page.reload();
      await page.waitForSelector('.job.sending');
      const [before, total] = await progressOf(page);
      expect(total).to.equal(GROUP - CANARY);
      expect(before).to.be.within(CANARY, GROUP - CANARY - 1);
      await page.waitForFunction((was) => (document.querySelector('progress')?.value ?? 0) > was, before);
      await page.waitForSelector('.job.done');
      expect(await page.innerText('.job.done')).to.include('All 395 messages sent');
      await shop.until(GROUP - CANARY);
      expect(new Set(shop.handled.map(({ id }) => id)).size).to.equal(GROUP - CANARY);
      // The canary went ahead by itself.
      expect(shop.rateOf(CANARY)).to.be.within(RATE * 0.9, RATE * 1.1);
      await page.waitForSelector('nav .badge:text-is("605")');
    } finally {
      await app.close();
    }
  });

  it('is stopped by a person, and says what is left', async () => {
    const work = await visits.outside.queue('stop work');
    const errors = await visits.outside.queue('stop errors');
    await visits.outside.park(
      errors,
      Array.from({ length: 60 }, (_, index) => ({ id: String(index), kind: kindOf(0), failedIn: work })),
    );
    const visit = await visits.start({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      queues: [errors],
    });
    const page = await visit.look();
    await page.click('text=Retry all…');
    await page.fill('dialog input[type="number"] >> nth=0', '');
    await page.fill('dialog input[type="number"] >> nth=1', '10');
    await page.click('text=Show the plan');
    await page.click('text=Send 60 messages');
    await page.waitForSelector('.job.sending progress');
    await page.click('.job >> text=Stop');
    await page.waitForSelector('.job.stopped');
    const [sent] = await progressOf(page);
    expect(sent).to.be.lessThan(60);
    expect(await page.innerText('.job.stopped')).to.include(`The other ${60 - sent} are untouched.`);
    expect(await visits.outside.count(work)).to.equal(sent);
    await visits.outside.untilCount(errors, 60 - sent);
  });

  it('says why a plan cannot be done, and touches nothing', async () => {
    const errors = await visits.outside.queue('nowhere errors');
    await visits.outside.park(errors, [{ id: '1', kind: kindOf(0), failedIn: 'a-queue-that-is-gone' }]);
    const visit = await visits.start({
      connection: { urls: node.url },
      management: { url: node.managementUrl },
      queues: [errors],
    });
    const page = await visit.look();
    await page.click('text=Retry all…');
    await page.click('text=Show the plan');
    await page.waitForSelector('dialog [role="alert"]:has-text("a-queue-that-is-gone")');
    expect(await page.locator('dialog footer .main').count()).to.equal(0);
    await visits.outside.untilCount(errors, 1);
  });
});

/** A service whose listener fails until it is mended. */
class Shop {
  isMended = false;
  readonly failed: (string | undefined)[] = [];
  readonly handled: { readonly id: string | undefined; readonly at: number }[] = [];
  readonly #queue: string;
  readonly #errors: string;

  constructor(queue: string, errors: string) {
    this.#queue = queue;
    this.#errors = errors;
  }

  start(url: string): Promise<Leveret> {
    const onPaid = listener(
      {
        id: 'onPaid',
        queue: this.#queue,
        payload: Object,
        recoverer: republish('', this.#errors),
        retry: { maxAttempts: 1 },
      },
      async (_body: unknown, { message }) => {
        if (!this.isMended) {
          this.failed.push(message.messageId);
          throw new Error('not mended yet');
        }
        this.handled.push({ id: message.messageId, at: performance.now() });
      },
    );
    return Leveret.start({ connection: { urls: url }, listeners: [onPaid], logger: 'silent', service: 'trade' });
  }

  async until(count: number): Promise<void> {
    const limit = performance.now() + 20_000;
    while (this.handled.length < count) {
      if (performance.now() > limit) throw new Error(`expected ${count} to be handled, it were ${this.handled.length}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** In a second, without the first of them. */
  rateOf(without: number): number {
    const times = this.handled.slice(without).map(({ at }) => at);
    const [first = 0, last = 0] = [times[0], times.at(-1)];
    return ((times.length - 1) / (last - first)) * 1000;
  }
}

async function progressOf(page: Page): Promise<readonly [value: number, max: number]> {
  return page
    .locator('.job progress')
    .first()
    .evaluate((bar) => {
      const { value, max } = bar as unknown as { readonly value: number; readonly max: number };
      return [value, max] as const;
    });
}

function kindOf(index: number): FailureKind {
  return FAILURE_KINDS[index] as FailureKind;
}
