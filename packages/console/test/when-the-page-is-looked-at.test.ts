import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../../../tools/scripts/browser.mjs';
import { buildPage } from '../../../tools/scripts/build-page.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';
import { axeFaults } from './support/axe.js';
import { FAILURE_KINDS } from './support/failed-messages.js';
import { Shop } from './support/shop.js';
import { takeTerminalPicture } from './support/terminal-picture.js';
import { Visit } from './support/visit.js';

const GROUP = `errors/${FAILURE_KINDS[0]?.fingerprint}`;

/** A view, how to get there, and what has to be seen there. */
interface View {
  readonly name: string;
  readonly path: string;
  readonly does?: (page: Page) => Promise<unknown>;
  readonly sees: string;
}

const VIEWS: readonly View[] = [
  { name: 'errors', path: 'errors', sees: '.summary:has-text("300 messages in 3 queues, 5 groups")' },
  { name: 'group', path: GROUP, sees: 'main tbody tr >> nth=49' },
  { name: 'message', path: GROUP, does: openMessage, sees: '.timeline svg' },
  { name: 'edit', path: GROUP, does: editMessage, sees: '.diff .added' },
  { name: 'retry', path: 'errors', does: (page) => page.click('text=Retry all…'), sees: 'dialog .fields' },
  {
    name: 'plan',
    path: 'errors',
    does: async (page) => {
      await page.click('text=Retry all…');
      await page.click('text=Show the plan');
    },
    sees: 'dialog .plan table',
  },
  {
    name: 'discard',
    path: 'errors',
    does: (page) => page.click('text=Discard all…'),
    sees: 'dialog:has-text("Discard 300 messages")',
  },
  { name: 'help', path: 'errors', does: (page) => page.keyboard.press('?'), sees: 'dialog:has-text("Canary")' },
  { name: 'retries', path: 'retries', sees: '.empty' },
  { name: 'listeners', path: 'listeners', sees: 'tr:has-text("the warehouse moves house")' },
  { name: 'topology', path: 'topology', sees: '.topology .node.error >> nth=2' },
  { name: 'topology-table', path: 'topology', does: (page) => page.click('text=Table'), sees: 'main table >> nth=1' },
  { name: 'outbox', path: 'outbox', sees: 'tr:has-text("pay-2")' },
  { name: 'schedules', path: 'schedules', sees: 'tr:has-text("the table is vacuumed")' },
  { name: 'audit', path: 'audit', sees: 'tr:has-text("session.login")' },
];

/** For the documents: `LEVERET_SCREENSHOTS=docs/pictures` writes them there. */
const SCREENSHOTS = process.env['LEVERET_SCREENSHOTS'];
const SHOWN_DARK = new Set(['topology', 'message']);
/** Of these the documents show a picture. */
const SHOWN = new Set(['errors', 'group', 'message', 'plan', 'edit', 'topology', 'listeners']);

describe('when the page is looked at', function () {
  // Chromium takes most of a core while it is looked at, and other tests run beside it.
  this.timeout(180_000);
  let browser: Browser;
  let shop: Shop;
  let visit: Visit;

  before(needs('chromium'));
  before(async () => {
    await buildPage();
    browser = await launchBrowser();
    shop = await Shop.start();
    visit = await Visit.start(browser, await shop.consoleOptions());
    if (SCREENSHOTS !== undefined) mkdirSync(SCREENSHOTS, { recursive: true });
  });
  afterEach(() => expect(visit?.faults.splice(0) ?? []).to.deep.equal([]));
  after(async () => {
    // Undefined where all of this was skipped.
    await visit?.[Symbol.asyncDispose]();
    await shop?.[Symbol.asyncDispose]();
    await browser?.close();
  });

  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    it(`is without a serious fault of axe and never wider than the window, ${colorScheme} and ${width} pixels wide`, async () => {
      const page = await visit.look({ colorScheme, width });
      const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
      expect(ground).to.equal(colorScheme === 'light' ? 'rgb(246, 246, 243)' : 'rgb(19, 22, 21)');
      const faults: string[] = [];
      for (const { name, path, does, sees } of VIEWS) {
        await visit.goTo(page, path);
        await does?.(page);
        await page.waitForSelector(sees);
        faults.push(...(await axeFaults(page)).map((fault) => `${name}: ${fault}`));
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (over > 0) faults.push(`${name}: ${over} pixels wider than the window`);
        await takePicture(page, name, colorScheme);
        if (await page.locator('dialog[open]').count()) await page.keyboard.press('Escape');
      }
      expect(faults).to.deep.equal([]);
    });
  }

  it('asks for a token whoever has none, says that one is wrong, and takes the right one out of the address', async () => {
    const page = await visit.look({ role: 'nobody' });
    expect(await axeFaults(page)).to.deep.equal([]);
    await page.fill('input[name="token"]', 'a wrong one, but long enough');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role="alert"]');
    expect(await page.locator('nav').count()).to.equal(0);
    await page.fill('input[name="token"]', 'operate-operate-operate');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=300 messages in 3 queues');
    const other = await visit.look();
    await other.waitForSelector('text=300 messages in 3 queues');
    expect(other.url()).to.equal(`${visit.console.url}#/errors`);
    await other.click('text=Log out');
    await other.waitForSelector('input[name="token"]');
    await other.reload();
    await other.waitForSelector('input[name="token"]');
  });

  it('shows a reader everything, and nothing that acts', async () => {
    const page = await visit.look({ role: 'read' });
    for (const { name, path, does, sees } of VIEWS) {
      if (['retry', 'plan', 'discard', 'edit'].includes(name)) continue;
      await visit.goTo(page, path);
      await does?.(page);
      await page.waitForSelector(sees);
      const buttons = await page.locator('main button, main a.button, main input[type="checkbox"]').allInnerTexts();
      const acts = buttons.filter((text) => /retry|discard|edit|undo|pause|resume|requeue|stop|send/i.test(text));
      expect(acts, name).to.deep.equal([]);
      if (await page.locator('dialog[open]').count()) await page.keyboard.press('Escape');
    }
    await visit.goTo(page, `${GROUP}/error.queue/0123456789ab/edit`);
    await page.waitForSelector('text=You may look, not edit');
  });

  it('is used by the keyboard alone', async () => {
    const page = await visit.look();
    await page.waitForSelector('main tbody tr');
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? '');
    await page.keyboard.press('j');
    expect(await focused()).to.equal('CardDeclinedError');
    await page.keyboard.press('j');
    expect(await focused()).to.equal('TypeError');
    await page.keyboard.press('k');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'CardDeclinedError' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { level: 1, name: 'Errors' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('lock');
    await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 1);
    // In a field a letter is a letter.
    await page.keyboard.type(' j');
    expect(await page.inputValue('[data-filter]')).to.equal('lock j');
    await page.fill('[data-filter]', '');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    // A dialog holds the focus: twenty times on, it is still inside, or in the browser itself.
    await page.getByRole('button', { name: 'Retry all…' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    for (let times = 0; times < 20; times++) {
      await page.keyboard.press('Tab');
      const isInside = await page.evaluate(
        () => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null,
      );
      expect(isInside).to.equal(true);
    }
    await page.keyboard.press('Escape');
    expect(await focused()).to.equal('Retry all…');
    const seen = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(seen).to.equal('solid');
  });

  it('says while it is not live, and comes back by itself', async () => {
    const page = await visit.look();
    await page.waitForSelector('.liveness.live');
    await page.context().route('**/api/events', (route) => route.abort());
    await page.reload();
    await page.waitForSelector('.liveness.lost:has-text("not live: trying again")');
    await page.context().unroute('**/api/events');
    await page.waitForSelector('.liveness.live');
  });

  it('follows what happens elsewhere', async () => {
    const page = await visit.look();
    await page.waitForSelector('.summary:has-text("300 messages")');
    await shop.outside.park('error.queue', [
      { id: 'late', kind: FAILURE_KINDS[4] as (typeof FAILURE_KINDS)[number], failedIn: 'billing.order.queue' },
    ]);
    await page.waitForSelector('nav .badge:text-is("301")');
    await page.waitForSelector('.summary:has-text("301 messages")');
    await page.waitForSelector('tr:has-text("LockTimeoutError") td:has-text("7")');
  });

  it('pauses and resumes a listener, and requeues what the outbox has parked', async () => {
    const page = await visit.look();
    await visit.goTo(page, 'listeners');
    await page.getByRole('button', { name: 'Resume StockListener.onReserved' }).click();
    await page.getByRole('button', { name: 'Pause StockListener.onReserved' }).waitFor();
    expect(shop.app.listeners.get('StockListener.onReserved').inspect().state).to.equal('running');
    await page.getByRole('button', { name: 'Pause MailListener.onShipped' }).click();
    await page.getByRole('button', { name: 'Resume MailListener.onShipped' }).waitFor();
    expect(shop.app.listeners.get('MailListener.onShipped').inspect().state).to.equal('paused');
    await visit.goTo(page, 'outbox');
    await page.getByRole('button', { name: 'Requeue 1' }).click();
    await page.waitForSelector('[role="status"]:has-text("1 message of the outbox waits")');
    expect(shop.outbox.requeued).to.deep.equal([1]);
    await page.click('text=Requeue all…');
    await page.click('dialog footer .main');
    await page.waitForSelector('.empty');
    expect(shop.outbox.requeued).to.equal('all');
    await visit.goTo(page, 'audit');
    await page.waitForSelector('tr:has-text("listeners.pause"):has-text("MailListener.onShipped")');
  });

  it('draws the topology, and tells what hangs on a node that is chosen', async () => {
    const page = await visit.look();
    await visit.goTo(page, 'topology');
    await page.fill('[data-filter]', 'billing');
    const node = page.getByRole('button', { name: 'classic queue billing.order.queue', exact: true });
    await node.focus();
    await page.keyboard.press('Enter');
    const told = page.locator('.chosen-node');
    await told.waitFor();
    for (const words of ['gets from exchange orders order.paid', 'dead letters go to', 'is read by consumer']) {
      expect(await told.innerText()).to.include(words);
    }
  });

  if (SCREENSHOTS !== undefined) {
    it('takes a picture of what the command line says of the same', async () => {
      const { url, managementUrl } = shop.broker;
      const path = join(SCREENSHOTS, 'cli-errors.png');
      const smallest = FAILURE_KINDS.at(-1)?.fingerprint ?? '';
      const commands = [['errors'], ['errors', 'retry', smallest.slice(0, 8), '--canary', '2', '--dry-run']];
      await takeTerminalPicture(browser, path, commands, ['--amqp', url, '--management', managementUrl]);
    });
  }

  async function takePicture(page: Page, name: string, colorScheme: string): Promise<void> {
    const isShown = colorScheme === (SHOWN_DARK.has(name) ? 'dark' : 'light');
    if (SCREENSHOTS === undefined || !isShown || !SHOWN.has(name)) return;
    const size = page.viewportSize() ?? { width: 1280, height: 800 };
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.screenshot({ path: join(SCREENSHOTS, `console-${name}.png`), animations: 'disabled', caret: 'hide' });
    await page.setViewportSize(size);
  }
});

async function openMessage(page: Page): Promise<void> {
  await page.locator('main tbody a.row-link').first().click();
}

async function editMessage(page: Page): Promise<void> {
  await openMessage(page);
  await page.click('text=Edit…');
  const body = await page.inputValue('textarea >> nth=0');
  await page.fill('textarea >> nth=0', body.replace('"EUR"', '"CHF"'));
  await page.click('text=Show what changes');
}
