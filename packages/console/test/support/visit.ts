import { type RunningConsole, type StartConsoleOptions, startConsole } from '@leveret/console';
import { silentLogger } from '@leveret/core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const TOKENS = { operate: 'operate-operate-operate', read: 'read-read-read-read-read' };
const LIMIT_MS = 15_000;

/** How somebody looks at the page. */
export interface LookOptions {
  readonly role?: 'operate' | 'read' | 'nobody';
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
}

/** A console that runs, and browsers that look at it. */
export class Visit implements AsyncDisposable {
  readonly console: RunningConsole;
  readonly #browser: Browser;
  readonly #contexts: BrowserContext[] = [];
  /** What a browser has found wrong with the page: errors of its own, and of what its policy forbids. */
  readonly faults: string[] = [];

  private constructor(running: RunningConsole, browser: Browser) {
    this.console = running;
    this.#browser = browser;
  }

  static async start(browser: Browser, options: StartConsoleOptions): Promise<Visit> {
    return new Visit(await startConsole({ port: 0, tokens: TOKENS, logger: silentLogger, ...options }), browser);
  }

  /** Opens the page as the link does that the console prints. */
  async look({ role = 'operate', colorScheme = 'light', width = 1280, height = 800 }: LookOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({
      colorScheme,
      viewport: { width, height },
      reducedMotion: 'reduce',
    });
    this.#contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(LIMIT_MS);
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => {
      // A browser tells of every answer from 400 on, those that are expected too.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.faults.push(message.text());
    });
    page.on('dialog', (dialog) => {
      this.faults.push(`a dialog of the browser: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(role === 'nobody' ? this.console.url : `${this.console.url}#token=${TOKENS[role]}`);
    await page.waitForSelector('main h1');
    return page;
  }

  /** To another view of the same page. */
  async goTo(page: Page, path: string): Promise<void> {
    await page.goto(`${this.console.url}#/${path}`);
    await page.waitForSelector('main h1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const context of this.#contexts) await context.close();
    await this.console.close();
  }
}
