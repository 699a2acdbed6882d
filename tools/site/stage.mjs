import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { files, read, root, workspaces } from '../scripts/sources.mjs';
import { FURTHER_PAGES, GROUPS, READERS, REST, TITLES } from './site-map.mjs';

const LINK = /(\]\()([^)\s]+)(\))/g;

/** Puts the pages of the site into a folder, with links as they are there. Answers what is in the sidebar. */
export function stagePages(folder) {
  const places = placesOf();
  const web = JSON.parse(read('package.json')).repository.url.replace(/^git\+|\.git$/g, '');
  for (const [source, place] of places) put(join(folder, place), withLinks(source, place, places, web));
  // Pictures of the pages: linkOnSite() leads to them.
  for (const source of files('docs', /\.(svg|png)$/)) {
    const target = join(folder, source.slice('docs/'.length));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, source), target);
  }
  const pages = [...places.values()];
  put(join(folder, 'index.md'), homePage(pages));
  return sidebarOf(pages, folder);
}

/** Path in the repository, and place on the site. */
function placesOf() {
  const places = new Map(Object.entries(FURTHER_PAGES).filter(([source]) => existsSync(join(root, source))));
  for (const source of files('docs', /\.md$/)) places.set(source, source.slice('docs/'.length));
  for (const home of workspaces('packages')) places.set(`${home}/README.md`, `${home}.md`);
  return places;
}

/** What leads to a page leads to its place; what leads elsewhere in the repository leads to it on the web. */
function withLinks(source, place, places, web) {
  // Comments are for scripts that write parts of the page. Code is left as it is.
  const parts = read(source)
    .replace(/^<!--.*?-->\n/gms, '')
    .split(/(^```[\s\S]*?^```)/m);
  const linked = (text) =>
    text.replace(LINK, (_whole, open, link, close) => open + linkOnSite(link, source, place, places, web) + close);
  return parts.map((part) => (part.startsWith('```') ? part : linked(part))).join('');
}

function linkOnSite(link, source, place, places, web) {
  const own = link.startsWith(`${web}/blob/main/`) ? link.slice(`${web}/blob/main/`.length) : undefined;
  if (own === undefined && /^(\w+:|#)/.test(link)) return link;
  const [path, hash] = (own ?? posix.join(posix.dirname(source), link)).split('#');
  const target = places.get(path) ?? places.get(`${path.replace(/\/$/, '')}/README.md`);
  const anchor = hash === undefined ? '' : `#${hash}`;
  if (target !== undefined) return `${relativeTo(posix.dirname(place), target)}${anchor}`;
  const isStaged = path.startsWith('docs/') && /\.(svg|png)$/.test(path);
  if (isStaged) return relativeTo(posix.dirname(place), path.slice('docs/'.length));
  return `${webAddress(web, path)}${anchor}`;
}

function relativeTo(folder, target) {
  const relative = posix.relative(folder, target);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

function webAddress(web, path) {
  const isFolder = existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();
  return `${web}/${isFolder ? 'tree' : 'blob'}/main/${path}`;
}

function homePage(pages) {
  const features = READERS.filter(({ page }) => page.endsWith('/') || pages.includes(`${page}.md`)).map((each) => ({
    title: each.title,
    details: each.details,
    link: `/${each.page}`,
  }));
  const home = {
    layout: 'home',
    hero: {
      name: 'leveret',
      text: 'RabbitMQ for TypeScript, declared',
      tagline:
        'Annotate a class, and every message is handled, retried, recovered, or parked where a person can see it.',
      actions: [
        { theme: 'brand', text: 'Five minutes', link: '/five-minutes' },
        { theme: 'alt', text: 'In production', link: '/production' },
      ],
    },
    features,
  };
  // JSON is YAML.
  return `---\n${JSON.stringify(home, null, 2)}\n---\n`;
}

function sidebarOf(pages, folder) {
  const titleOf = (page) =>
    TITLES[page] ?? /^# (.*)$/m.exec(readStaged(folder, `${page}.md`))?.[1]?.replaceAll('`', '') ?? page;
  const item = (page) => ({ text: titleOf(page), link: `/${page}` });
  const isThere = (page) => pages.includes(`${page}.md`);
  const named = new Set(GROUPS.flatMap((group) => group.pages));
  const own = pages.map((page) => page.replace(/\.md$/, ''));
  const rest = own.filter((page) => !page.includes('/') && !named.has(page));
  const packages = own.filter((page) => page.startsWith('packages/'));
  const decisions = own.filter((page) => page.startsWith('decisions/')).sort();
  return [
    ...GROUPS.map(({ text, pages: wanted }) => ({ text, collapsed: false, items: wanted.filter(isThere).map(item) })),
    { text: REST, collapsed: true, items: rest.map(item) },
    { text: 'Packages', collapsed: true, items: packages.map(item) },
    { text: 'Decisions', collapsed: true, items: decisions.map(item) },
  ].filter(({ items }) => items.length > 0);
}

function readStaged(folder, page) {
  return read(posix.relative(root, join(folder, page)));
}

function put(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The versions that were built before, and this one. */
export function versionsIn(folder, version) {
  const before = existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((each) => each.isDirectory())
        .map(({ name }) => name)
    : [];
  return [...new Set([version, ...before])].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
}
