/** Links of the pages that are packed: a reader on npm, or in node_modules, has the tarball and the web, and no repository. */
import { posix } from 'node:path';
import { exists, read } from './sources.mjs';

const { homepage } = JSON.parse(read('package.json'));
const web = homepage.replace(/#.*$/, '');

/**
 * Links in the packed pages of a package that lead nowhere.
 * @param home such as `packages/core`
 * @param packed paths of all that is packed
 */
export function linkFaults(home, packed) {
  return packed
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      linksOf(read(`${home}/${page}`)).flatMap((link) => {
        const fault = faultOf(link, { home, page, packed });
        return fault === undefined ? [] : [`${home}/${page}: ${link} ${fault}`];
      }),
    );
}

function linksOf(text) {
  const prose = text.replace(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]: (\S+)|(?:href|src)="([^"]+)"/gm)].map(
    ([, inline, reference, attribute]) => inline ?? reference ?? attribute,
  );
}

function faultOf(link, { home, page, packed }) {
  const [path, heading] = link.split('#');
  if (/^\w+:/.test(link)) {
    const [, file] = new RegExp(`^${web}/(?:blob|tree)/main/(.*)$`).exec(path) ?? [];
    if (file === undefined) return path.startsWith(`${web}/`) ? 'is no file of the branch main' : undefined;
    if (!exists(file)) return `is not there: the repository has no ${file}`;
    return hasHeading(file, heading) ? undefined : `has no heading #${heading}`;
  }
  if (path === '') return hasHeading(`${home}/${page}`, heading) ? undefined : `has no heading #${heading}`;
  const target = posix.join(posix.dirname(page), path);
  return packed.includes(target)
    ? undefined
    : `is not packed: link to ${web}/blob/main/..., which is there for all readers`;
}

/** Headings as GitHub links to them. */
function hasHeading(file, heading) {
  if (heading === undefined) return true;
  const headings = [...read(file).matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
  return headings.includes(heading);
}
