import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';

const PROGRAM = fileURLToPath(new URL('../../../cli/bin/leveret.js', import.meta.url));

/** Runs commands of `leveret`, and makes a picture of what a terminal shows of them. */
export async function takeTerminalPicture(
  browser: Browser,
  path: string,
  commands: readonly (readonly string[])[],
  connection: readonly string[],
): Promise<void> {
  const texts: string[] = [];
  for (const command of commands) {
    const run = promisify(execFile)(process.execPath, [PROGRAM, ...command, ...connection]);
    // Told by its exit code, too: 2 is something to look at.
    const { stdout } = await run.catch((error: { readonly stdout: string }) => error);
    texts.push(`$ leveret ${command.join(' ')}\n${stdout}`);
  }
  const page = await browser.newPage({ viewport: { width: 2000, height: 100 } });
  await page.setContent('<pre></pre>');
  await page.addStyleTag({
    content: `body { margin: 0 } pre { margin: 0; padding: 18px 22px; background: #131615; color: #e4e8e6;
      font: 13px/1.5 ui-monospace, 'DejaVu Sans Mono', monospace; white-space: pre; display: inline-block }`,
  });
  await page.locator('pre').evaluate((pre, text) => {
    pre.textContent = text;
  }, texts.join('\n').trimEnd());
  await page.locator('pre').screenshot({ path });
  await page.close();
}
