import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { BrokerOptions, UserOptions } from './broker-options.js';
import type { BrokerVersion } from './version/version-profile.js';

export const USAGE = `Usage: npx @leveret/broker [options]

An AMQP 0-9-1 broker for development and tests. Everything is kept in memory; never use it in production.

  --port <n>                    port to listen on (default 5672, with TLS 5671); 0 takes a free one
  --host <address>              address to listen on (default 127.0.0.1)
  --version <line>              RabbitMQ release line to behave as: 3.10, 4.0 or 4.3 (default)
  --management-port <n>         port of the management HTTP API (default: none); 0 takes a free one
  --vhost <name>                a virtual host besides / (may be repeated)
  --user <name>:<password>      a user who may do everything, instead of guest:guest (may be repeated)
  --tls-cert <file>             certificate in PEM form; with --tls-key, clients connect with amqps://
  --tls-key <file>              its key
  -h, --help                    this text
`;

/** What a command line asks for. */
export type CommandLine =
  | { readonly kind: 'start'; readonly options: BrokerOptions }
  | { readonly kind: 'help' }
  /** Every fault in it. */
  | { readonly kind: 'refused'; readonly faults: readonly string[] };

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string', default: '127.0.0.1' },
  version: { type: 'string', default: '4.3' },
  'management-port': { type: 'string' },
  vhost: { type: 'string', multiple: true, default: [] as string[] },
  user: { type: 'string', multiple: true, default: [] as string[] },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Reads a command line; the files it names are read, nothing else is done. */
export function readCommandLine(args: readonly string[]): CommandLine {
  const faults: string[] = [];
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) return { kind: 'help' };
    const tls = readTls(values['tls-cert'], values['tls-key'], faults);
    const users = values.user.flatMap((user) => readUser(user, faults));
    const managementPort = readPort('--management-port', values['management-port'], faults);
    const options: BrokerOptions = {
      port: readPort('--port', values.port, faults) ?? (tls === undefined ? 5672 : 5671),
      host: readName('--host', values.host, faults),
      version: values.version as BrokerVersion,
      vhosts: values.vhost.map((vhost) => readName('--vhost', vhost, faults)),
      ...(managementPort === undefined ? {} : { managementPort }),
      ...(users.length === 0 ? {} : { users }),
      ...(tls === undefined ? {} : { tls }),
    };
    return faults.length === 0 ? { kind: 'start', options } : { kind: 'refused', faults };
  } catch (error) {
    return { kind: 'refused', faults: [error instanceof Error ? error.message : String(error)] };
  }
}

function readPort(option: string, text: string | undefined, faults: string[]): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  faults.push(`${option}: expected a whole number from 0 to 65535; received ${JSON.stringify(text)}`);
  return undefined;
}

function readName(option: string, text: string, faults: string[]): string {
  if (text === '') faults.push(`${option}: expected a name; received nothing`);
  return text;
}

function readUser(text: string, faults: string[]): readonly UserOptions[] {
  const [, name, password] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  if (name !== undefined && password !== undefined) return [{ name, password, tags: ['administrator'] }];
  // It may hold a password.
  faults.push('--user: expected <name>:<password>; received something else');
  return [];
}

function readTls(cert: string | undefined, key: string | undefined, faults: string[]): BrokerOptions['tls'] {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    faults.push(
      `${cert === undefined ? '--tls-key' : '--tls-cert'} needs ${cert === undefined ? '--tls-cert' : '--tls-key'} beside it`,
    );
    return undefined;
  }
  const [certBytes, keyBytes] = [readPem('--tls-cert', cert, faults), readPem('--tls-key', key, faults)];
  return certBytes && keyBytes && { cert: certBytes, key: keyBytes };
}

function readPem(option: string, file: string, faults: string[]): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    faults.push(
      `${option}: ${JSON.stringify(file)} cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`,
    );
    return undefined;
  }
}

/** Why the broker could not start, in words for a terminal. */
export function startFault(error: unknown, { host, port }: BrokerOptions): string {
  const { code, message, port: taken = port } = error as NodeJS.ErrnoException & { readonly port?: number };
  switch (code) {
    case 'EADDRINUSE':
      return `port ${taken} of ${host} is taken. Does RabbitMQ, or another broker, run here already? --port ${Number(taken) + 1} takes another port, --port 0 a free one.`;
    case 'EACCES':
      return `port ${taken} may not be used by this user. Ports from 1024 on may: --port 5672.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine. --host 127.0.0.1 is reached from here only, --host 0.0.0.0 from everywhere.`;
    default:
      return message ?? String(error);
  }
}
