import { spawn } from 'node:child_process';
import { WebPage } from './web-page.js';
import { WebShop } from './web-shop.js';

/** Shows the page until Ctrl-C. */
export async function showPage(open: boolean): Promise<void> {
  await using shop = await WebShop.start();
  await using page = await WebPage.start(shop);
  console.log(`Watch queues fill and drain: ${page.url}`);
  console.log('It runs on an embedded broker inside this process, which the page can look into. Ctrl-C ends it.');
  const ended = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  if (open && process.stdout.isTTY) openBrowser(page.url);
  await ended;
}

/** Where there is no browser, the address is on the screen. */
function openBrowser(url: string): void {
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
