import type { StartConsoleOptions } from '@leveret/console';
import { expect } from 'chai';
import { after, afterEach, before } from 'mocha';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../../../../tools/scripts/browser.mjs';
import { buildPage } from '../../../../tools/scripts/build-page.mjs';
import { needs } from '../../../../tools/scripts/needs.mjs';
import { FailedMessages } from './failed-messages.js';
import { Visit } from './visit.js';

/** A browser for the tests of a suite, each with a console of its own, and what they do beside it. */
export class Visits {
  #browser: Browser | undefined;
  #outside: FailedMessages | undefined;
  #visit: Visit | undefined;

  /** Of the suite that this is called in. A test fails when a browser finds something wrong with the page. */
  static on(node: { readonly url: string }): Visits {
    const visits = new Visits();
    before(needs('chromium'));
    before(async () => {
      await buildPage();
      visits.#browser = await launchBrowser();
      visits.#outside = await FailedMessages.open(node.url);
    });
    afterEach(async () => {
      const faults = visits.#visit?.faults.splice(0) ?? [];
      await visits.#visit?.[Symbol.asyncDispose]();
      expect(faults).to.deep.equal([]);
    });
    after(async () => {
      // Undefined where all of this was skipped.
      await visits.#outside?.close();
      await visits.#browser?.close();
    });
    return visits;
  }

  /** What is done to the queues by others. */
  get outside(): FailedMessages {
    return this.#outside as FailedMessages;
  }

  async start(options: StartConsoleOptions): Promise<Visit> {
    this.#visit = await Visit.start(this.#browser as Browser, options);
    return this.#visit;
  }
}
