import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from 'esbuild';

/** Compiles modules given as text, inside this package, so that they find leveret by its name as users do. */
export class ModuleBuilder {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<ModuleBuilder> {
    return new ModuleBuilder(await mkdtemp(join(fileURLToPath(new URL('../', import.meta.url)), 'built-')));
  }

  /** @param decorators `standard` as in a project without `experimentalDecorators`, or `legacy` */
  async build<Exports>(name: string, decorators: 'standard' | 'legacy', source: string): Promise<Exports> {
    const { code } = await transform(source, {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
      tsconfigRaw: { compilerOptions: { experimentalDecorators: decorators === 'legacy' } },
    });
    const file = join(this.#folder, `${name}.mjs`);
    await writeFile(file, code);
    return (await import(pathToFileURL(file).href)) as Exports;
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true });
  }
}
