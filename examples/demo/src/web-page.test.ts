import { request } from 'node:http';
import { expect } from 'chai';
import { afterEach, before, beforeEach, describe, it } from 'mocha';
import { launchBrowser } from '../../../tools/scripts/browser.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';
import { WebPage } from './web-page.js';
import { type ShopState, WebShop } from './web-shop.js';

describe('the page of the demo', function () {
  this.timeout(60_000);
  let shop: WebShop;
  let page: WebPage;

  beforeEach(async () => {
    shop = await WebShop.start();
    page = await WebPage.start(shop);
  });
  afterEach(async () => {
    await page[Symbol.asyncDispose]();
    await shop[Symbol.asyncDispose]();
  });

  const queueOf = ({ queues }: ShopState, name: string) => queues.find((queue) => queue.name === name);
  async function until(holds: (state: ShopState) => boolean): Promise<void> {
    const limit = performance.now() + 20_000;
    while (!holds(shop.state)) {
      if (performance.now() > limit) throw new Error(`expected ${holds}; it is ${JSON.stringify(shop.state)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const answerTo = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(new URL(path, page.url), { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });

  it('shows queues that fill and drain, messages that are parked and sent again, and an outage', async () => {
    expect(await answerTo('/do/warehouse', 'POST')).to.equal(204);
    for (const action of ['orders', 'failing', 'invalid']) {
      expect(await answerTo(`/do/${action}`, 'POST'), action).to.equal(204);
    }
    await until((state) => queueOf(state, 'orders')?.paused !== undefined);
    expect(queueOf(shop.state, 'orders')?.paused).to.include('the warehouse does not answer');
    await until((state) => queueOf(state, 'error.queue')?.ready === 5 && queueOf(state, 'payments.dlq')?.ready === 5);
    await answerTo('/do/warehouse', 'POST');
    await until((state) => queueOf(state, 'orders')?.ready === 0 && queueOf(state, 'orders')?.unacked === 0);
    expect(await answerTo('/do/mend', 'POST')).to.equal(204);
    await until(({ counts }) => counts.handled === 55);
    expect(shop.state.counts).to.include({ handled: 55, parked: 5, rejected: 5 });
    expect(queueOf(shop.state, 'error.queue')).to.include({ ready: 0, unacked: 0 });
  });

  it('serves itself, and nobody from elsewhere', async () => {
    for (const path of ['/', '/page.css', '/page.js']) expect(await answerTo(path), path).to.equal(200);
    for (const path of ['/page.html/../package.json', '/nothing', '/do/payments', '/%2e%2e/demo.ts']) {
      expect(await answerTo(path), path).to.equal(404);
    }
    for (const action of ['constructor', 'nothing', '__proto__']) {
      expect(await answerTo(`/do/${action}`, 'POST'), action).to.equal(404);
    }
    expect(await answerTo('/', 'GET', { host: 'evil.example' })).to.equal(403);
    expect(await answerTo('/do/payments', 'POST', { origin: 'http://evil.example' })).to.equal(403);
    expect(shop.state.queues.every(({ ready, unacked }) => ready + unacked === 0)).to.equal(true);
  });

  it('tells a stream of states', async () => {
    const abort = new AbortController();
    const stream = await fetch(new URL('/state', page.url), { signal: abort.signal });
    const reader = (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    await answerTo('/do/payments', 'POST');
    while (!/"handled":50/.test(text)) text += (await reader.read()).value ?? '';
    abort.abort();
    expect(text.split('\n\n').filter((event) => event.startsWith('data: {')).length).to.be.greaterThan(3);
  });

  describe('in a browser', () => {
    before(needs('chromium'));

    it('works in light and dark, with the keyboard', async () => {
      const browser = await launchBrowser();
      try {
        for (const colorScheme of ['light', 'dark'] as const) {
          const tab = await browser.newPage({ colorScheme });
          const faults: string[] = [];
          tab.on('pageerror', (error) => faults.push(String(error)));
          await tab.goto(page.url);
          await tab.waitForSelector('tr[data-queue="error.queue"]');
          await tab.focus('button[data-action="payments"]');
          await tab.keyboard.press('Enter');
          await tab.waitForSelector('tr[data-queue="payments"] .ready-count:not(:text-is("0"))');
          await tab.waitForSelector('#news:text-is("All queues are empty.")');
          const paper = await tab.evaluate(() => {
            // biome-ignore lint/suspicious/noExplicitAny: this runs in the browser
            const { document, getComputedStyle } = globalThis as any;
            return getComputedStyle(document.body).backgroundColor as string;
          });
          expect(paper).to.equal(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(23, 23, 27)');
          expect(faults).to.deep.equal([]);
          await tab.close();
        }
      } finally {
        await browser.close();
      }
    });
  });
});
