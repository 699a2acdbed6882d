/** The browser of the tests: Debian's Chromium, driven by playwright-core, which brings none of its own. */
import { chromium } from 'playwright-core';
import { chromiumPath } from './chromium.mjs';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];

/** Starts it, without a window. The caller closes it. */
export async function launchBrowser() {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    throw new Error('expected a Chromium in /usr/bin: apt-get install chromium, or say CHROMIUM=/path/of/it');
  }
  return chromium.launch({ executablePath, args: ARGUMENTS });
}
