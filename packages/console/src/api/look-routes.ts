import { exportLine, type ParkedMessage, planRetryOf, selectErrors } from '@leveret/operations';
import type { MessagePageJson } from '../contract/contract.js';
import type { ApiRequest, ApiRoute } from '../http/api-route.js';
import { badRequest, ConsoleFault } from '../http/console-fault.js';
import { MaskedMessage } from '../mask/masked-message.js';
import type { BodyMask } from '../mask/read-body.js';
import { showErrors } from '../show/show-groups.js';
import { messageJson, summaryJson } from '../show/show-message.js';
import { chosenQueues } from './chosen-queues.js';
import type { ConsoleParts } from './console-parts.js';

const PAGE = 50;
const LARGEST_PAGE = 200;

/** What only looks at error queues. */
export function lookRoutes({ list, looks, link, mask, audit }: ConsoleParts): readonly ApiRoute[] {
  const messagesOf = async (query: URLSearchParams, anew = false) => {
    const looked = await looks.at(await chosenQueues(list, query.getAll('queue')), anew);
    return looked.flatMap(({ messages }) => messages);
  };
  return [
    { method: 'GET', path: 'api/errors/queues', needs: 'read', run: async () => ({ json: await list.counts() }) },
    {
      method: 'GET',
      path: 'api/errors',
      needs: 'read',
      run: async ({ query }) => {
        const queues = await chosenQueues(list, query.getAll('queue'));
        return { json: showErrors(await looks.at(queues, query.get('refresh') === '1'), mask) };
      },
    },
    {
      method: 'GET',
      path: 'api/errors/groups/:id/messages',
      needs: 'read',
      run: async ({ query, params }) => {
        const messages = (await messagesOf(query)).filter(({ failure }) => failure.fingerprint === params['id']);
        return { json: pageOf(messages, query, mask) };
      },
    },
    {
      method: 'GET',
      path: 'api/errors/messages/:key',
      needs: 'read',
      run: async ({ query, params }) => {
        const isIt = ({ key }: ParkedMessage) => key === params['key'];
        const found = (await messagesOf(query)).find(isIt) ?? (await messagesOf(query, true)).find(isIt);
        if (found === undefined) throw gone(params['key'] ?? '');
        return { json: messageJson(found, await planRetryOf(await link.session(), [found]), mask) };
      },
    },
    {
      method: 'GET',
      path: 'api/errors/export',
      needs: 'read',
      act: 'errors.export',
      run: async ({ query, user, from }: ApiRequest) => {
        const ids = query.getAll('id');
        const { messages } = selectErrors(await messagesOf(query), ids.length === 0 ? 'all' : ids);
        await audit.begin({ ...user, from, what: 'errors.export', ids, count: messages.length, ok: true });
        return { file: 'errors.jsonl', lines: exported(messages, mask) };
      },
    },
  ];
}

function* exported(messages: readonly ParkedMessage[], mask: BodyMask): Iterable<string> {
  for (const message of messages) yield exportLine(mask.paths.isEmpty ? message : maskedCopy(message, mask));
}

/** What is exported of a message where something is masked: it cannot be made again from it. */
function maskedCopy(parked: ParkedMessage, mask: BodyMask): ParkedMessage {
  const masked = new MaskedMessage(parked, mask);
  const { verbatim: _verbatim, ...message } = parked.message;
  const body = Buffer.from(masked.body('as-is', Number.MAX_SAFE_INTEGER).text);
  return { ...parked, message: { ...message, ...masked.properties, headers: masked.headers, body } };
}

function pageOf(messages: readonly ParkedMessage[], query: URLSearchParams, mask: BodyMask): MessagePageJson {
  const limit = Number(query.get('limit') ?? PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE)
    throw badRequest(`limit must be from 1 to ${LARGEST_PAGE}.`);
  const from = startOf(messages, query.get('after'));
  const page = messages.slice(from, from + limit);
  const last = page.at(-1);
  const more = last !== undefined && from + limit < messages.length;
  return {
    messages: page.map((message) => summaryJson(message, mask)),
    next: more ? `${from + limit - 1}:${last.queue}:${last.key}` : undefined,
    total: messages.length,
  };
}

/** Behind the last message of the page before; where that has gone, from where it stood. */
function startOf(messages: readonly ParkedMessage[], after: string | null): number {
  const match = /^(\d{1,9}):(.*):([^:]+)$/s.exec(after ?? '');
  if (match === null) return 0;
  const [, index, queue, key] = match;
  const found = messages.findIndex((message) => message.queue === queue && message.key === key);
  return found === -1 ? Number(index) : found + 1;
}

function gone(key: string): ConsoleFault {
  const text = `No message ${JSON.stringify(key)} is parked any more. It may have been retried or discarded meanwhile.`;
  return new ConsoleFault(404, 'LEV_NOTHING_FOUND', text);
}
