import { existsSync } from 'node:fs';

const USUAL = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where the browser is that the tests drive, if one is installed; `CHROMIUM` names another. */
export function chromiumPath() {
  return [process.env.CHROMIUM, ...USUAL].find((path) => path && existsSync(path));
}
