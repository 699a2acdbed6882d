/**
 * Opens the built site in a real browser, does what readers do, and takes pictures of it: home, the search, a page in the dark, and
 * the reference. Fails where what is looked for is not there.
 *
 *   node tools/site/screenshots.mjs     behind `npm run docs`; CHROMIUM names another browser than /usr/bin/chromium
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serveSite } from './serve.mjs';

const home = fileURLToPath(new URL('./', import.meta.url));
const folder = join(home, 'screenshots');
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const LIMIT_MS = 15_000;
const MAX_BYTES = 150_000;

if (!existsSync(browserPath))
  throw new Error(`expected a Chromium at ${browserPath}: apt-get install chromium, or say CHROMIUM`);
mkdirSync(folder, { recursive: true });
let server;
const url = await serveSite(join(home, 'dist/site'), 0, (each) => {
  server = each;
});
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 640 }, colorScheme: 'light' });
  page.setDefaultTimeout(LIMIT_MS);
  const errors = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) errors.push(`${response.status()} ${response.url()}`);
  });

  await page.goto(url);
  await page.waitForURL(/\/[\w.-]+\/$/);
  await page.getByRole('heading', { name: 'Five minutes' }).waitFor();
  await picture(page, 'home');

  // What is on no other host: the search works offline.
  await page.keyboard.press('Control+k');
  await page.locator('.VPLocalSearchBox input').fill('kill switch');
  await page.locator('.VPLocalSearchBox .result').first().waitFor();
  await picture(page, 'search');
  await page.locator('.VPLocalSearchBox .result').first().click();
  await page.locator('.VPDoc h1').waitFor();

  await page.locator('.VPSwitchAppearance').first().click();
  await page.goto(new URL('retry.html', page.url()).href);
  await page.locator('html.dark .VPDoc h1').waitFor();
  await picture(page, 'dark');

  await page.goto(new URL('api/leveret/functions/Idempotent.html', page.url()).href);
  await page
    .getByRole('heading', { name: /Idempotent\(\)/ })
    .first()
    .waitFor();
  await picture(page, 'reference');

  if (errors.length > 0) throw new Error(`the browser saw ${errors.join(', ')}`);
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
for (const file of readdirSync(folder)) {
  const { size } = statSync(join(folder, file));
  if (size > MAX_BYTES) throw new Error(`${file} has ${size} bytes, more than ${MAX_BYTES}`);
  console.log(`${file}: ${Math.round(size / 1024)} kB`);
}

async function picture(page, name) {
  // Behind what fades in.
  await page.waitForTimeout(400);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
