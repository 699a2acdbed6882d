import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';
import { publicPackages } from '../scripts/assemble.mjs';
import { root } from '../scripts/sources.mjs';

const home = fileURLToPath(new URL('./', import.meta.url));

/**
 * Writes the reference of all public packages, from the docstrings in what `tsc` has declared: a page for each name.
 * TypeDoc needs TypeScript 6, whatever the packages are built with; it reads declarations only.
 * @param folder where its pages go
 * @returns `{ packages, names }`, how many
 */
export async function writeReference(folder) {
  const doors = publicPackages().flatMap(({ home: place, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, door]) => door.default?.endsWith('.js'))
      .map(([door, { types }]) => ({ name: manifest.name + door.slice(1), file: join(root, place, types) })),
  );
  const missing = doors.filter(({ file }) => !existsSync(file));
  if (missing.length > 0)
    throw new Error(`expected a build; there is no ${missing.map(({ file }) => file).join(', ')}`);
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    entryPoints: doors.map(({ file }) => file),
    tsconfig: join(home, 'tsconfig.api.json'),
    outputs: [{ name: 'markdown', path: folder }],
    router: 'member',
    readme: 'none',
    name: 'API reference',
    entryFileName: 'index.md',
    skipErrorChecking: true,
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    hidePageHeader: true,
    hideBreadcrumbs: true,
    useCodeBlocks: true,
    parametersFormat: 'table',
    logLevel: 'Error',
  });
  const project = await app.convert();
  if (project === undefined) throw new Error('TypeDoc could not read the declarations');
  for (const child of project.children ?? []) child.name = nameOf(child, doors);
  await app.generateOutputs(project);
  dropAnchors(folder);
  const names = (project.children ?? []).reduce((sum, { children = [] }) => sum + children.length, 0);
  return { packages: doors.length, names };
}

/** Pages hold no HTML: what stands in them is text. Headings are anchors enough. */
function dropAnchors(folder) {
  for (const file of readdirSync(folder, { recursive: true }).filter((each) => each.endsWith('.md'))) {
    const path = join(folder, file);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/<a id="[^"]*"><\/a> ?/g, ''));
  }
}

/** TypeDoc calls them `leveret/dist` and `leveret/dist/adapters`: they get the name by which they are imported. */
function nameOf(child, doors) {
  const ends = [`/${child.name}/index.d.ts`, `/${child.name}.d.ts`];
  return doors.find(({ file }) => ends.some((end) => file.endsWith(end)))?.name ?? child.name;
}

const KINDS = ['classes', 'functions', 'interfaces', 'type-aliases', 'variables', 'enumerations'];

/** The packages, and in them the names by kind. */
export function referenceSidebar(folder) {
  return packagesIn(folder).map((name) => ({
    text: name,
    link: `/api/${name}/`,
    collapsed: true,
    items: KINDS.filter((kind) => existsSync(join(folder, name, kind))).map((kind) => ({
      text: kind.replace('-', ' '),
      collapsed: true,
      items: readdirSync(join(folder, name, kind))
        .filter((file) => file.endsWith('.md'))
        .map((file) => ({
          text: file.slice(0, -3).replace(/-\d+$/, ''),
          link: `/api/${name}/${kind}/${file.slice(0, -3)}`,
        })),
    })),
  }));
}

function packagesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('/index.md'))
    .map((file) => file.slice(0, -'/index.md'.length))
    .sort();
}
