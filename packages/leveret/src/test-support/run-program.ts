import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What a program is to be without. */
export interface ProgramOptions {
  /** Packages that cannot be loaded, as if they were not installed. */
  readonly without?: readonly string[];
  /** Packages whose loading is printed, as a line `loads inversify`. */
  readonly watched?: readonly string[];
}

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a module given as text in a process of its own, inside this package, and answers what it printed. */
export async function runProgram(code: string, { without = [], watched = [] }: ProgramOptions = {}): Promise<string> {
  const hooks = `
  const { writeSync } = process.getBuiltinModule?.('node:fs') ?? (await import('node:fs'));
  const isOf = (specifier) => (name) => specifier === name || specifier.startsWith(name + '/');
  export async function resolve(specifier, context, next) {
    const loaded = ${JSON.stringify(watched)}.find(isOf(specifier));
    if (loaded !== undefined) writeSync(1, 'loads ' + loaded + '\\n');
    if (${JSON.stringify(without)}.some(isOf(specifier))) {
      throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
    }
    return next(specifier, context);
  }`;
  const register = `(await import('node:module')).register(${JSON.stringify(dataUrl(hooks))});`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`--import=${dataUrl(register)}`, '--input-type=module', '--eval', code],
    { cwd: packageRoot, timeout: 60_000 },
  );
  return stdout;
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
