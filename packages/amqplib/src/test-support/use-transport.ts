import type { ConnectionEvent } from '@leveret/core';
import { afterEach, beforeEach } from 'mocha';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import type { ConnectionOptions } from '../connection/connection-options.js';
import { BrokerAdmin } from './test-broker.js';

/** What each test of a suite finds. */
export interface Here {
  transport: AmqplibTransport;
  /** What the transport reported, oldest first. */
  readonly events: ConnectionEvent[];
  readonly admin: BrokerAdmin;
}

/** The same with a proxy between the transport and the broker. */
export interface HereProxied extends Here {
  readonly proxy: TcpProxy;
}

/**
 * Gives each test of a suite a transport that is not connected yet, and a look at the broker from outside; closes both
 * after it. To be called in the describe; what is returned is filled in when a test begins.
 */
export function useTransport(broker: { readonly url: string }, options: ConnectionOptions = {}): Here {
  const here = {} as { -readonly [K in keyof Here]: Here[K] };
  beforeEach('make a transport', async () => {
    here.admin = await BrokerAdmin.connect(broker.url);
    open(here, broker.url, options);
  });
  afterEach('close the transport', async () => {
    await here.transport?.close({ timeoutMs: 1000 });
    await here.admin?.close();
  });
  return here;
}

/** The same through a proxy that can be told to misbehave. */
export function useProxiedTransport(broker: { readonly url: string }, options: ConnectionOptions = {}): HereProxied {
  const here = {} as { -readonly [K in keyof HereProxied]: HereProxied[K] };
  beforeEach('make a transport behind a proxy', async () => {
    here.admin = await BrokerAdmin.connect(broker.url);
    here.proxy = await TcpProxy.start(broker.url);
    open(here, here.proxy.through(broker.url), options);
  });
  afterEach('close the transport and the proxy', async () => {
    await here.transport?.close({ timeoutMs: 1000 });
    await here.proxy?.down();
    await here.admin?.close();
  });
  return here;
}

function open(here: { -readonly [K in keyof Here]: Here[K] }, urls: string, options: ConnectionOptions): void {
  const events: ConnectionEvent[] = [];
  here.events = events;
  here.transport = new AmqplibTransport({ connection: { urls, ...options } });
  here.transport.on((event) => events.push(event));
}
