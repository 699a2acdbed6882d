import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Links and anchors of a built site that lead nowhere, as `page: link`. What leads to other hosts is not asked. */
export function linkFaultsIn(folder, base) {
  const pages = htmlFilesIn(folder);
  const contents = new Map(pages.map((file) => [file, readFileSync(file, 'utf8')]));
  const anchors = new Map();
  const anchorsOf = (file) => {
    if (!anchors.has(file))
      anchors.set(file, new Set([...contents.get(file).matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id)));
    return anchors.get(file);
  };
  const faults = [];
  for (const [file, html] of contents) {
    const links = new Set(
      [...html.matchAll(/\b(?:href|src)="([^"]+)"/g)].map(([, link]) => link.replaceAll('&amp;', '&')),
    );
    for (const link of links) {
      if (/^(\w+:|\/\/)/.test(link) || link.includes('/../')) continue;
      const [path, hash] = link.split('#');
      const target = path === '' ? file : targetOf(folder, base, dirname(file), decodeURIComponent(path));
      const isDead =
        !existsSync(target) || (hash && contents.has(target) && !anchorsOf(target).has(decodeURIComponent(hash)));
      if (isDead) faults.push(`${relative(folder, file)}: ${link}`);
    }
  }
  return faults;
}

function targetOf(folder, base, from, path) {
  const target = path.startsWith(base) ? join(folder, path.slice(base.length)) : join(from, path);
  return existsSync(target) && statSync(target).isDirectory() ? join(target, 'index.html') : target;
}

function htmlFilesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.html') && file !== '404.html')
    .map((file) => join(folder, file));
}
