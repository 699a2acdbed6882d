import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { buildPage, MAX_BYTES } from './build-page.mjs';
import { code, files, read, root } from './sources.mjs';

const OUTPUT = 'packages/console/dist-page';

describe('the page of the console', () => {
  it('is small, has hashed names, and is built again only when a source is newer', async () => {
    await buildPage();
    const built = JSON.parse(read(`${OUTPUT}/manifest.json`)).files;
    const names = Object.keys(built);
    const bytes = names.map((name) => gzipSync(readFileSync(join(root, OUTPUT, name))).length);
    expect(bytes.reduce((sum, each) => sum + each, 0)).to.be.lessThan(MAX_BYTES);
    for (const name of names) expect(built[name].immutable, name).to.equal(/-[0-9a-f]{10}\.(js|css)$/.test(name));
    const began = performance.now();
    expect(await buildPage()).to.equal(false);
    expect(performance.now() - began).to.be.lessThan(1000);
  });

  it('has no script and no style in its HTML, and makes no HTML of texts', () => {
    const html = read(`${OUTPUT}/index.html`);
    expect(html).to.not.match(/<script(?![^>]*\ssrc=")|<style|\sstyle=|\son\w+=|https?:/);
    for (const file of files('packages/console/page', /\.tsx?$/)) {
      expect(code(read(file)), file).to.not.match(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/i,
      );
    }
  });
});
