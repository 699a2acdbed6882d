import { discard, undoableDiscards, undoDiscard } from '@leveret/operations';
import type { ApiRequest, ApiRoute } from '../http/api-route.js';
import { badRequest } from '../http/console-fault.js';
import { Fields } from '../http/fields.js';
import { Discards } from '../work/discards.js';
import { act } from './act.js';
import { chosenQueues } from './chosen-queues.js';
import type { ConsoleParts } from './console-parts.js';

/** Throwing away, and having back. */
export function discardRoutes({
  list,
  looks,
  link,
  audit,
  clock,
  limits,
  undoForMs,
}: ConsoleParts): readonly ApiRoute[] {
  const discards = new Discards(clock);
  const listed = async () => {
    const found = await undoableDiscards(await link.session());
    return found.length === 0 ? discards.all : discards.withFound(found, await list.names());
  };
  return [
    {
      method: 'POST',
      path: 'api/errors/discard',
      needs: 'operate',
      act: 'errors.discard',
      run: async (api: ApiRequest) => {
        const fields = new Fields(await api.body(), ['queues', 'selection']);
        const selection = fields.allOrTexts('selection');
        const queues = await chosenQueues(list, fields.optionalTexts('queues'));
        const facts = {
          what: 'errors.discard',
          ids: selection === 'all' ? ['all'] : selection,
          detail: `of ${queues.join(', ')}`,
        };
        const work = async () => discard(await link.session(), { queues, selection, undoForMs, limits });
        const { discarded, undo = '' } = await act(audit, api, facts, work, (done) => ({
          count: done.discarded,
          detail: `undo ${done.undo}`,
        })).finally(() => looks.forget(queues));
        return { json: discards.keep({ discarded, undo, queues, who: api.user.who }, undo === '' ? 0 : undoForMs) };
      },
    },
    {
      method: 'GET',
      path: 'api/errors/discards',
      needs: 'read',
      // While the broker tells nothing, those that this console has made.
      run: async () => ({ json: await listed().catch(() => discards.all) }),
    },
    {
      method: 'POST',
      path: 'api/errors/discard/undo',
      needs: 'operate',
      act: 'errors.undo',
      run: async (api: ApiRequest) => {
        const undo = new Fields(await api.body(), ['undo']).text('undo', 36);
        // It names a queue: nothing but what a discard has made.
        if (!/^[0-9a-f-]{36}$/.test(undo)) throw badRequest('undo must be what the discard answered.');
        const work = async () => undoDiscard(await link.session(), undo);
        const back = await act(audit, api, { what: 'errors.undo', ids: [undo] }, work, (count) => ({ count }));
        discards.undone(undo);
        looks.forget(await list.names());
        return { json: { back } };
      },
    },
  ];
}
