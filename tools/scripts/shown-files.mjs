/**
 * Pages show files of examples as they are: a comment with the file's path, and behind it a code block.
 *
 *   node tools/scripts/shown-files.mjs --write   copies the files into the pages; a test compares
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { files, read, root } from './sources.mjs';

const BLOCK = /<!-- (examples\/[\w./-]+) -->\n```(\w+)\n[\s\S]*?```\n/g;

/** The pages that show files: `{ page, text, shown }`, the text as it is, and as it is with the files of now. */
export function pagesWithFiles() {
  return files('docs', /\.md$/)
    .map((page) => {
      const text = read(page);
      const shown = text.replace(
        BLOCK,
        (_block, file, language) => `<!-- ${file} -->\n\`\`\`${language}\n${read(file)}\`\`\`\n`,
      );
      return { page, text, shown };
    })
    .filter(({ text }) => text.includes('<!-- examples/'));
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write')) {
  for (const { page, shown } of pagesWithFiles()) writeFileSync(join(root, page), shown);
}
