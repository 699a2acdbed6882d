/** What a script was told: see arguments.d.mts. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export function readArguments(script, options, { positionals = false, args = process.argv.slice(2) } = {}) {
  const read = decide(args, options, positionals);
  if (read.faults.length === 0 && !read.help) return { values: read.values, positionals: read.positionals };
  for (const fault of read.faults) console.error(fault);
  (read.help ? console.log : console.error)(usageOf(readFileSync(fileURLToPath(script), 'utf8')));
  process.exit(read.help ? 0 : 2);
}

/** All faults of a command line at once, or what it says. */
export function decide(args, options, allowPositionals) {
  const texts = Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, textual(type)]));
  const { values, positionals, tokens } = parseArgs({
    args,
    options: { ...texts, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  if (values.help === true) return { help: true, faults: [] };
  const faults = tokens.flatMap((token) => faultsOf(token, options, allowPositionals));
  const read = {};
  for (const [name, { type, default: usual }] of Object.entries(options)) {
    const given = values[name];
    read[name] = given === undefined ? usual : type === 'number' ? Number(given) : given;
  }
  return { help: false, faults, values: read, positionals };
}

function textual(type) {
  return { type: type === 'boolean' ? 'boolean' : 'string' };
}

function faultsOf(token, options, allowPositionals) {
  if (token.kind === 'positional') {
    return allowPositionals ? [] : [`expected options only, received '${token.value}'`];
  }
  if (token.kind !== 'option') return [];
  const { name, rawName, value, inlineValue } = token;
  if (!Object.hasOwn(options, name)) return [`expected one of ${known(options)}; received '${rawName}'`];
  const { type } = options[name];
  if (type === 'boolean') return value === undefined ? [] : [`${rawName}: expected no value, received '${value}'`];
  const wanted = type === 'number' ? 'number' : 'value';
  if (value === undefined || value === '') return [`${rawName}: expected a ${wanted}`];
  if (!inlineValue && value.startsWith('-')) return [`${rawName}: expected a ${wanted}, received '${value}'`];
  if (type === 'number' && !(Number(value) >= 0)) return [`${rawName}: expected a number from 0, received '${value}'`];
  return [];
}

function known(options) {
  return Object.keys({ ...options, help: undefined })
    .map((name) => `--${name}`)
    .join(', ');
}

/** The comment at the head of a script, as text. */
export function usageOf(source) {
  const comment = /\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? '';
  return comment
    .split('\n')
    .map((line) => line.replace(/^ \* ?/, '').trimEnd())
    .join('\n')
    .trim();
}
