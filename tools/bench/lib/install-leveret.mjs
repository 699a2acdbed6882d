import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble, publicPackages } from '../../scripts/assemble.mjs';
import { root } from '../../scripts/sources.mjs';

const home = fileURLToPath(new URL('../subjects/node_modules', import.meta.url));

/** Puts leveret beside the subjects as it is published: what is measured is what users install. */
export async function installLeveret() {
  console.log('assembling the packages');
  rmSync(home, { recursive: true, force: true });
  const install = async (each) => {
    const folder = await assemble(each);
    const place = join(home, each.manifest.name);
    mkdirSync(place, { recursive: true });
    cpSync(join(root, folder), place, { recursive: true });
  };
  await Promise.all(publicPackages().map(install));
}
