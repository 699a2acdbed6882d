#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { Broker } from './broker.js';
import type { BrokerOptions } from './broker-options.js';
import type { BrokerVersion } from './version/version-profile.js';

const USAGE = `Usage: npx @leveret/broker [options]

An AMQP 0-9-1 broker for development and tests. Everything is kept in memory; never use it in production.

  --port <n>             port to listen on (default 5672)
  --host <address>       address to listen on (default 127.0.0.1)
  --version <line>       RabbitMQ release line to behave as: 3.10, 4.0 or 4.3 (default)
  --management-port <n>  port of the management HTTP API (default: none)
  --vhost <name>         a virtual host besides / (may be repeated)
  --help                 this text
`;

/** Reads the command line. */
function readOptions(): BrokerOptions | undefined {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '5672' },
      host: { type: 'string', default: '127.0.0.1' },
      version: { type: 'string', default: '4.3' },
      'management-port': { type: 'string' },
      vhost: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const managementPort = values['management-port'];
  return {
    port: Number(values.port),
    host: values.host,
    version: values.version as BrokerVersion,
    vhosts: values.vhost,
    ...(managementPort === undefined ? {} : { managementPort: Number(managementPort) }),
  };
}

try {
  const options = readOptions();
  if (options === undefined) {
    process.stdout.write(USAGE);
  } else {
    const broker = await Broker.start(options);
    process.stdout.write(`listening on ${broker.url}\n`);
    if (broker.managementUrl !== undefined) process.stdout.write(`management API on ${broker.managementUrl}\n`);
    const stop = (): void => void broker.close();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 1;
}
