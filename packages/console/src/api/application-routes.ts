import { showOutbox } from '../application/show-outbox.js';
import { showSchedules } from '../application/show-schedules.js';
import type { ApiRequest, ApiRoute } from '../http/api-route.js';
import { ConsoleFault } from '../http/console-fault.js';
import { Fields } from '../http/fields.js';
import { plannedTopology, showTopology } from '../show/show-topology.js';
import { act } from './act.js';
import type { ConsoleParts } from './console-parts.js';

/** How long a pause waits for handlers at work; they go on in any case. */
const PAUSE_MS = 5000;

/** What the console knows of the application that it is mounted into, and of the broker's topology. */
export function applicationRoutes(parts: ConsoleParts): readonly ApiRoute[] {
  const { app, listeners, outbox, audit, mask } = parts;
  const oneOf = (id: string) => {
    const listener = app?.listeners.all.find((each) => each.id === id);
    if (listener !== undefined) return listener;
    throw new ConsoleFault(404, 'LEV_NOTHING_FOUND', `There is no listener ${JSON.stringify(id)} here.`);
  };
  const turn = (what: 'pause' | 'resume'): ApiRoute => ({
    method: 'POST',
    path: `api/listeners/${what}`,
    needs: 'operate',
    act: `listeners.${what}`,
    run: async (api: ApiRequest) => {
      const id = new Fields(await api.body(), ['id']).text('id');
      const listener = oneOf(id);
      await act(audit, api, { what: `listeners.${what}`, ids: [id] }, async () => {
        if (what === 'resume') listener.resume();
        else await listener.pause({ reason: `paused in the console by ${api.user.who}`, timeout: PAUSE_MS });
      });
      return { json: listeners?.all().find((each) => each.id === id) };
    },
  });
  return [
    { method: 'GET', path: 'api/listeners', needs: 'read', run: async () => ({ json: listeners?.all() ?? [] }) },
    turn('pause'),
    turn('resume'),
    {
      method: 'GET',
      path: 'api/schedules',
      needs: 'read',
      run: async () => ({ json: app === undefined ? [] : showSchedules(app) }),
    },
    {
      method: 'GET',
      path: 'api/outbox',
      needs: 'read',
      run: async ({ query }) => {
        const after = Number(query.get('after') ?? 0);
        return {
          json: await showOutbox(outbox ?? noOutbox(), Number.isSafeInteger(after) && after > 0 ? after : 0, mask),
        };
      },
    },
    {
      method: 'POST',
      path: 'api/outbox/requeue',
      needs: 'operate',
      act: 'outbox.requeue',
      run: async (api: ApiRequest) => {
        const ids = new Fields(await api.body(), ['ids']).allOrIds('ids');
        const given = outbox ?? noOutbox();
        const facts = { what: 'outbox.requeue', ids: ids === 'all' ? ['all'] : ids.map(String) };
        const requeued = await act(
          audit,
          api,
          facts,
          () => given.requeue(ids),
          (count) => ({ count }),
        );
        return { json: { requeued } };
      },
    },
    { method: 'GET', path: 'api/topology', needs: 'read', run: async () => ({ json: await topologyOf(parts) }) },
    { method: 'GET', path: 'api/audit', needs: 'read', run: async () => ({ json: audit.last }) },
  ];
}

async function topologyOf({ link, list, plan }: ConsoleParts): Promise<unknown> {
  const reader = await (await link.session()).management();
  const errorQueues = new Set(await list.names().catch(() => []));
  if (reader === undefined) {
    if (plan !== undefined) return showTopology(plannedTopology(plan), plan, errorQueues);
    const text =
      'The topology of the broker is told by its management API, which does not answer here; give the console the plan of the application, or say where the API is.';
    throw new ConsoleFault(409, 'LEV_OPERATION_REFUSED', text);
  }
  const vhost = encodeURIComponent(reader.vhost);
  const [exchanges, queues, bindings, consumers] = await Promise.all([
    reader.exchanges(),
    reader.queues(),
    reader.bindings(),
    // Not every broker tells.
    reader.list(`/api/consumers/${vhost}`).catch(() => []),
  ]);
  const known = consumers.flatMap(({ consumer_tag: tag, queue }) => {
    const name = typeof queue === 'object' && queue !== null ? (queue as { name?: unknown }).name : undefined;
    return typeof tag === 'string' && typeof name === 'string' ? [{ tag, queue: name }] : [];
  });
  return showTopology({ exchanges, queues, bindings, consumers: known }, plan, errorQueues);
}

function noOutbox(): never {
  throw new ConsoleFault(
    404,
    'LEV_NOTHING_FOUND',
    'This console was given no outbox: option outbox of consoleHandler().',
  );
}
