/** Where `console.error` and Node's last words of a process ask how an object is to be shown. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom');

const MOST_CAUSES = 5;

/**
 * An error for a terminal: its stack, its own short facts in one line, and what caused it. What it carries besides, such as a
 * whole message with its body, is not for a terminal.
 */
export function inspectError(error: Error): string {
  const facts = Object.entries(error).filter(([name, value]) => !HIDDEN.has(name) && isShort(value));
  const shown = facts.map(([name, value]) => `${name}: ${typeof value === 'string' ? JSON.stringify(value) : value}`);
  let text = `${error.stack ?? String(error)}\n  { ${shown.join(', ')} }`;
  let { cause } = error;
  for (let depth = 0; cause !== undefined && depth < MOST_CAUSES; depth++) {
    text += `\n  caused by: ${cause instanceof Error ? briefly(cause) : String(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

/**
 * Gives an error what it carries, such as a whole message: there for whoever asks for it, and not printed where an error that nobody
 * catches ends the process, which shows every property that can be listed.
 */
export function carry<T extends Error>(error: T, parts: Partial<T>): void {
  for (const [name, value] of Object.entries(parts)) {
    Object.defineProperty(error, name, { value, enumerable: false, writable: false, configurable: true });
  }
}

const HIDDEN = new Set(['name', 'message', 'stack']);

function isShort(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Its text, and of its stack what is no library's: the way to a fault leads through code of the application. */
function briefly(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = frames.filter((line) => !/node:|[/\\]node_modules[/\\]/.test(line));
  return [String(error), ...own].join('\n');
}
