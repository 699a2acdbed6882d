/**
 * What is written from the tables of options: the tables in the pages, under `<!-- options: NAME -->`, and the JSON schemas for
 * configuration files. `node tools/scripts/check-options.mjs --write` renews them from the compiled packages.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { conclude, exists, files, read, root } from './sources.mjs';

/** By the name of the comment in a page: the module, what it exports, and what of it is the table. */
const TABLES = {
  listener: ['leveret', 'decorators/listener-options.js', (module) => module.LISTENER_OPTIONS],
  retry: ['core', 'retry/retry-options.js', (module) => module.RETRY_OPTION.table],
  redeliver: ['core', 'retry/redeliver-options.js', (module) => module.REDELIVER_OPTION.table],
  crashLoop: ['core', 'consumer/crash-loop-options.js', (module) => module.CRASH_LOOP_OPTION.table],
  killSwitch: ['core', 'outage/outage-options.js', (module) => module.KILL_SWITCH_OPTION.table],
  publisher: ['core', 'publisher/publisher-options.js', (module) => module.PUBLISHER_OPTIONS],
  'publisher.retry': ['core', 'publisher/publisher-options.js', (module) => module.PUBLISHER_OPTIONS.retry.table],
  'publisher.buffer': ['core', 'publisher/publisher-options.js', (module) => module.PUBLISHER_OPTIONS.buffer.table],
  publish: ['core', 'publisher/publish-options.js', (module) => module.PUBLISH_OPTIONS],
  connection: ['amqplib', 'connection/connection-options.js', (module) => module.CONNECTION_OPTIONS],
  'connection.reconnect': [
    'amqplib',
    'connection/connection-options.js',
    (module) => module.CONNECTION_OPTIONS.reconnect.table,
  ],
  'connection.socket': [
    'amqplib',
    'connection/connection-options.js',
    (module) => module.CONNECTION_OPTIONS.socket.table,
  ],
  leveret: ['leveret', 'application/leveret-options.js', (module) => module.LEVERET_OPTIONS],
  console: ['console', 'options/console-options.js', (module) => module.CONSOLE_OPTIONS],
  relay: ['sql', 'relay/relay-options.js', (module) => module.RELAY_OPTIONS],
};
const SCHEMAS = {
  'packages/leveret/options.schema.json': optionsSchema,
};
const MARKER = /^<!-- options: (\S+) -->\n\n?((?:\|.*\n)*)/gm;
const write = process.argv.includes('--write');
const faults = [];
const shown = new Set();

for (const page of ['README.md', ...files('docs', /\.md$/), ...files('packages', /^README\.md$/)]) {
  if (!exists(page)) continue;
  const text = read(page);
  const renewed = await withTables(page, text);
  renew(page, text, renewed);
}
for (const name of Object.keys(TABLES)) if (!shown.has(name)) faults.push(`no page shows the options of ${name}`);
for (const [path, make] of Object.entries(SCHEMAS)) {
  renew(path, exists(path) ? read(path) : '', `${JSON.stringify(await make(), undefined, 2)}\n`);
}
if (faults.length > 0) faults.push("if the change is meant: 'node tools/scripts/check-options.mjs --write'");
conclude(`tables of options (${shown.size})`, faults);

async function withTables(page, text) {
  let renewed = text;
  for (const [found, name] of text.matchAll(MARKER)) {
    if (TABLES[name] === undefined) {
      faults.push(`${page} shows the options of ${name}; there are tables of ${Object.keys(TABLES).join(', ')}`);
      continue;
    }
    shown.add(name);
    const table = await tableOf(name);
    renewed = renewed.replace(found, () => `<!-- options: ${name} -->\n\n${markdown(table)}`);
  }
  return renewed;
}

function markdown(table) {
  const rows = Object.entries(table).map(([name, { byDefault, text }]) => `| \`${name}\` | ${byDefault} | ${text} |`);
  return `${['| option | default | meaning |', '|---|---|---|', ...rows].join('\n')}\n`;
}

function renew(path, text, renewed) {
  if (text === renewed) return;
  if (write) writeFileSync(join(root, path), renewed);
  else faults.push(`${path} says something else than the tables of options`);
}

async function tableOf(name) {
  const [home, path, pick] = TABLES[name];
  return pick(await load(home, path));
}

function load(home, path) {
  return import(pathToFileURL(join(root, 'packages', home, 'dist', path)).href);
}

/** What a configuration file may say: to `Leveret.start`, and of its parts, a listener and a message. */
async function optionsSchema() {
  const { objectSchema } = await load('core', 'options/option-kinds.js');
  const { connection, publisher, defaults, management, ...rest } = objectSchema(await tableOf('leveret')).properties;
  const parts = { connection, publisher, defaults, management };
  const ref = (name) => ({ $ref: `#/$defs/${name}` });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Options of Leveret.start',
    type: 'object',
    properties: { ...Object.fromEntries(Object.keys(parts).map((name) => [name, ref(name)])), ...rest },
    additionalProperties: false,
    $defs: {
      ...parts,
      listener: objectSchema(await tableOf('listener')),
      publish: objectSchema(await tableOf('publish')),
    },
  };
}
