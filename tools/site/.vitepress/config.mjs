import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitepress';

/** What build.mjs says: `{ source, output, base, sidebar, version, versions, web }`. */
const said = JSON.parse(readFileSync(new URL('../dist/said.json', import.meta.url), 'utf8'));

/** As GitHub makes anchors of headings: a link works on both. */
function slug(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

// biome-ignore lint/style/noDefaultExport: VitePress reads it so
export default defineConfig({
  title: 'leveret',
  description: 'Declarative RabbitMQ consumers and publishers for TypeScript',
  srcDir: said.source,
  outDir: said.output,
  base: said.base,
  cleanUrls: false,
  lastUpdated: false,
  markdown: {
    html: false,
    anchor: { slugify: slug },
    theme: { light: 'github-light', dark: 'github-dark' },
    config(md) {
      // Nothing in the pages is for Vue: {{ in a text is two braces.
      const { text, code_inline: code } = md.renderer.rules;
      md.renderer.rules.text = (tokens, index, ...rest) =>
        (text?.(tokens, index, ...rest) ?? md.utils.escapeHtml(tokens[index].content)).replaceAll('{{', '&#123;&#123;');
      md.renderer.rules.code_inline = (tokens, index, options, env, self) => {
        tokens[index].attrSet('v-pre', '');
        return code(tokens, index, options, env, self);
      };
    },
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/five-minutes' },
      { text: 'Errors', link: '/errors' },
      { text: 'API', link: '/api/' },
      {
        text: said.version,
        items: said.versions.map((version) => ({ text: version, link: `/../${version}/`, target: '_self' })),
      },
    ],
    sidebar: { '/api/': said.reference, '/': said.sidebar },
    outline: { level: [2, 3] },
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: said.web }],
    docFooter: { prev: true, next: true },
  },
});
