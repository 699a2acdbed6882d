import type { MessageHeaders } from '@leveret/core';
import { type EditReport, edit, isOfFailure, type MessageEdit, type ParkedMessage } from '@leveret/operations';
import { type EditJson, type EditRequest, MASK } from '../contract/contract.js';
import type { ApiRequest, ApiRoute } from '../http/api-route.js';
import { badRequest, ConsoleFault } from '../http/console-fault.js';
import { Fields } from '../http/fields.js';
import { unmaskTree } from '../mask/mask-tree.js';
import { MaskedMessage } from '../mask/masked-message.js';
import { type BodyMask, readBody, unmaskBody } from '../mask/read-body.js';
import { MOST_CHARS } from '../show/show-message.js';
import { act } from './act.js';
import { chosenQueues } from './chosen-queues.js';
import type { ConsoleParts } from './console-parts.js';

const LONGEST_BODY = 2 * 2 ** 20;
const IDEMPOTENCY =
  'It goes as a message of its own with a new id, so that whoever remembers ids handles it; x-leveret-edit-of names the old one. The same edit sent again has the same id.';

/** Changing one message and sending it back. */
export function editRoutes(parts: ConsoleParts): readonly ApiRoute[] {
  return [
    {
      method: 'POST',
      path: 'api/errors/edit/plan',
      needs: 'operate',
      run: async ({ body }) => ({ json: await edited(parts, editRequest(await body()), true) }),
    },
    {
      method: 'POST',
      path: 'api/errors/edit',
      needs: 'operate',
      act: 'errors.edit',
      run: async (api: ApiRequest) => {
        const request = editRequest(await api.body());
        const changed = [...(request.body === undefined ? [] : ['body']), ...Object.keys(request.headers ?? {})];
        const facts = {
          what: 'errors.edit',
          ids: [request.key],
          detail: `of ${request.queue}, changed: ${changed.join(', ')}`,
        };
        const json = await act(
          parts.audit,
          api,
          facts,
          () => edited(parts, request, false),
          ({ messageId, target }) => ({
            detail: `sent as ${messageId} to ${target.exchange === '' ? target.routingKey : `${target.exchange} ${target.routingKey}`}`,
          }),
        );
        return { json };
      },
    },
  ];
}

function editRequest(body: Readonly<Record<string, unknown>>): EditRequest {
  const fields = new Fields(body, ['key', 'queue', 'body', 'headers', 'to', 'via']);
  return {
    key: fields.text('key'),
    queue: fields.text('queue', 255),
    body: fields.optionalText('body', LONGEST_BODY),
    headers: fields.optionalObject('headers'),
    to: fields.optionalText('to', 255),
    via: fields.optionalWord('via', ['queue', 'exchange']),
  };
}

async function edited(
  { list, looks, link, mask, limits }: ConsoleParts,
  request: EditRequest,
  dryRun: boolean,
): Promise<EditJson> {
  const { key, queue, to, via } = request;
  const [name = queue] = await chosenQueues(list, [queue]);
  const [looked] = await looks.at([name]);
  const message = looked?.messages.find((each) => each.key === key);
  if (message === undefined) {
    throw new ConsoleFault(
      404,
      'LEV_NOTHING_FOUND',
      `No message ${JSON.stringify(key)} is parked in ${JSON.stringify(queue)} any more.`,
    );
  }
  const change = changeOf(message, request, mask);
  const session = await link.session();
  try {
    const report = await edit(session, { queues: [name], id: key, change, to, via, dryRun, limits });
    return editJson(report, message, change, mask);
  } finally {
    if (!dryRun) looks.forget([name]);
  }
}

/**
 * What is to be changed of a message, with the original in the place of every placeholder that was left standing.
 * @throws {ConsoleFault} 400 for a placeholder that stands where nothing was masked
 */
export function changeOf(
  { message }: Pick<ParkedMessage, 'message'>,
  { body, headers }: Pick<EditRequest, 'body' | 'headers'>,
  mask: BodyMask,
): MessageEdit {
  if (body === undefined && headers === undefined) throw badRequest('Nothing is changed: give a body, or headers.');
  if (body !== undefined) {
    const { kind, isCut } = readBody(message.body, mask, 'pretty', MOST_CHARS);
    // What the page has not shown would be gone.
    if (kind === 'binary' || isCut)
      throw badRequest(
        'This body is not shown as a whole, as text, and cannot be edited here: leveret errors edit can.',
      );
  }
  const change = {
    ...(body === undefined
      ? {}
      : { body: mask.paths.isEmpty ? Buffer.from(body) : unmaskBody(body, message.body, mask.paths) }),
    ...(headers === undefined ? {} : { headers: changedHeaders(message.headers, headers, mask) }),
  };
  const isLeft = change.body?.includes(MASK) === true || holdsMask(change.headers);
  if (isLeft && !mask.paths.isEmpty) {
    throw badRequest(
      `The placeholder ${MASK} stands where nothing was masked, so that nobody knows what it means. Write the value, or take it out.`,
    );
  }
  return change;
}

function holdsMask(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(MASK);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false;
  return Object.values(value).some(holdsMask);
}

/** All headers of its own, with the changes; those that say why it failed go anyway. */
function changedHeaders(
  headers: MessageHeaders,
  changes: Readonly<Record<string, unknown>>,
  { paths }: BodyMask,
): MessageHeaders {
  const own = new Map(Object.entries(headers).filter(([name]) => !isOfFailure(name)));
  for (const [name, value] of Object.entries(changes)) {
    if (isOfFailure(name)) throw badRequest(`The header ${name} says why the message failed, and is not sent back.`);
    if (value === null) own.delete(name);
    else own.set(name, unmaskTree(value, headers[name], [name], paths));
  }
  return Object.fromEntries(own);
}

function editJson(
  { messageId, target, sent }: EditReport,
  parked: ParkedMessage,
  change: MessageEdit,
  mask: BodyMask,
): EditJson {
  const { message } = parked;
  const before = { ...message, headers: own(message.headers) };
  const after = { ...before, body: change.body ?? message.body, headers: own(change.headers ?? message.headers) };
  const [shownBefore, shownAfter] = [before, after].map((each) => new MaskedMessage({ message: each }, mask));
  return {
    ...{ messageId, target, sent },
    before: shownBefore?.body('pretty', MOST_CHARS).text ?? '',
    after: shownAfter?.body('pretty', MOST_CHARS).text ?? '',
    headersBefore: shownBefore?.headers ?? {},
    headersAfter: shownAfter?.headers ?? {},
    idempotency: IDEMPOTENCY,
  };
}

function own(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isOfFailure(name)));
}
