import nodeCrypto = require('node:crypto');
import nodeFs = require('node:fs');
import nodeModule = require('node:module');
import nodePath = require('node:path');

/** What of Jest's options is looked at. */
interface JestOptions {
  readonly config: { readonly rootDir: string };
  readonly configString?: string;
}

type Compile = (source: string, path: string) => string;

interface Compiler {
  readonly name: string;
  readonly version: string;
  readonly compile: Compile;
}

/** In the order in which they are asked for; the first that a project has. */
const COMPILERS: readonly { readonly name: string; readonly bind: (library: Library) => Compile | undefined }[] = [
  {
    name: '@swc/core',
    bind: (swc) => (source, filename) =>
      swc.transformSync(source, {
        filename,
        swcrc: false,
        configFile: false,
        sourceMaps: 'inline',
        jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } },
        module: { type: 'commonjs' },
      }).code,
  },
  {
    name: 'typescript',
    // TypeScript 7 has no such function, and ts-jest needs an earlier one.
    bind: (typescript) => {
      if (typeof typescript.transpileModule !== 'function') return undefined;
      const { ModuleKind, ScriptTarget } = typescript;
      const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
      return (source, fileName) => typescript.transpileModule(source, { fileName, compilerOptions }).outputText;
    },
  },
  {
    name: 'esbuild',
    bind: (esbuild) => (source) =>
      esbuild.transformSync(source, { format: 'cjs', target: 'es2022', supported: { 'dynamic-import': false } }).code,
  },
];

// biome-ignore lint/suspicious/noExplicitAny: three compilers that this package does not depend on
type Library = any;

const found = new Map<string, Compiler>();

/** What an earlier version of this file has made is not to be taken from Jest's cache. */
const ownText = nodeFs.readFileSync(__filename, 'utf8');

/** Makes an ES module of a package a CommonJS one, by a compiler that the project has. */
const transformer = {
  process(source: string, path: string, { config }: JestOptions): { code: string } {
    // CommonJS has no import.meta; of it only the place of the file is asked for. Some files have a `require` of their own.
    const place = `process.getBuiltinModule('node:url').pathToFileURL(__filename).href`;
    const text = source.replaceAll('import.meta.url', place);
    return { code: compilerFor(config.rootDir).compile(text, path) };
  },

  getCacheKey(source: string, path: string, { config, configString = '' }: JestOptions): string {
    const { name, version } = compilerFor(config.rootDir);
    const parts = [ownText, source, path, configString, name, version];
    return nodeCrypto.createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
  },
};

function compilerFor(rootDir: string): Compiler {
  const known = found.get(rootDir);
  if (known !== undefined) return known;
  // What Jest itself was started with may lie above the project, as in a workspace.
  const from = nodeModule.createRequire(nodePath.join(rootDir, 'package.json'));
  for (const { name, bind } of COMPILERS) {
    const library = loadedBy(from, name);
    const compile = library === undefined ? undefined : bind(library);
    if (compile === undefined) continue;
    const compiler = { name, version: String(library.version ?? ''), compile };
    found.set(rootDir, compiler);
    return compiler;
  }
  throw new Error(
    `@leveret/testing: expected a compiler that makes CommonJS of leveret for Jest, one of ${COMPILERS.map(({ name }) => name).join(', ')} (typescript: 6 or earlier), in ${rootDir}; received none. Run npm install --save-dev @swc/core`,
  );
}

function loadedBy(from: NodeJS.Require, name: string): Library | undefined {
  try {
    return from(name);
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

export = transformer;
