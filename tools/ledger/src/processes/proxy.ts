import { join } from 'node:path';
import { TcpProxy } from '../../../scripts/tcp-proxy.mjs';
import { WireConnection } from '../broker/wire-ledger.js';
import { BufferedLedgerFile } from '../ledger/ledger-file.js';
import { Random } from '../run/random.js';
import { NAMES } from '../workload/row.js';
import { LedgerProcess, type ProxyAction, readProcessOptions } from './ledger-process.js';

const self = new LedgerProcess(readProcessOptions());
const wire = new BufferedLedgerFile(join(self.options.folder, 'wire.log'));
const random = new Random(self.options.seed);

let connections = 0;
const proxies = await Promise.all(
  (self.options.targets ?? []).map((target) =>
    TcpProxy.start(target, {
      random: () => random.next(),
      look: () => new WireConnection(++connections, NAMES.exchange, wire),
    }),
  ),
);

/** `basic.ack` of a delivery that never was, on channel 1: the broker closes the channel with 406. */
const UNKNOWN_ACK = Buffer.from([1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 61, 9, 0, 0, 0xce]);

type Act = (proxy: TcpProxy, chosen: number | undefined, action: ProxyAction) => unknown;

const ACTS: Readonly<Record<ProxyAction['kind'], Act>> = {
  cut: (proxy) => proxy.cut(),
  'cut-one': (proxy, chosen) => chosen !== undefined && proxy.cut(chosen),
  'cut-after': (proxy, _chosen, { bytes = 0 }) => proxy.cutAfter(bytes),
  freeze: (proxy) => proxy.freeze(),
  thaw: (proxy) => proxy.thaw(),
  slow: (proxy) => proxy.slow({ latencyMs: 200, jitterMs: 100, bytesPerSecond: 65_536, sliceBytes: 512 }),
  fast: (proxy) => proxy.slow(undefined),
  'unknown-ack': (proxy, chosen) => chosen !== undefined && proxy.toBroker(chosen, UNKNOWN_ACK),
};

function act(action: ProxyAction): void {
  for (const [index, proxy] of proxies.entries()) {
    if (action.proxy !== undefined && action.proxy !== index) continue;
    const { connections } = proxy;
    ACTS[action.kind](proxy, connections[Math.floor((action.which ?? 0) * connections.length)], action);
  }
}

self.onOrder(({ type, action, id = 0 }) => {
  if (type === 'finish') {
    wire.flush();
    process.exit(0);
  }
  if (type !== 'proxy' || action === undefined) return;
  act(action);
  self.tell({ type: 'done', id });
});
self.tell({ type: 'ready', ports: proxies.map(({ port }) => port) });
