import { planRetryOf, selectErrors } from '@leveret/operations';
import type { JobJson, ResumeRequest, RetryPlanJson, RetryRequest } from '../contract/contract.js';
import type { ApiRoute } from '../http/api-route.js';
import { ConsoleFault } from '../http/console-fault.js';
import { Fields } from '../http/fields.js';
import type { AuditEntry, AuditLog } from '../work/audit-log.js';
import { chosenQueues } from './chosen-queues.js';
import type { ConsoleParts } from './console-parts.js';

const MOST_SHOWN = 100;
const MOST_CANARIES = 1000;
const FASTEST = 100_000;
const LONGEST_CANARY_MS = 600_000;
const EVERYTHING = ['all'];

/** Sending back: what it would do, the jobs that do it. */
export function retryRoutes({ list, looks, link, jobs, audit }: ConsoleParts): readonly ApiRoute[] {
  return [
    {
      method: 'POST',
      path: 'api/errors/retry/plan',
      needs: 'operate',
      run: async ({ body }) => {
        const request = retryRequest(await body());
        const looked = await looks.at(await chosenQueues(list, request.queues));
        const { messages, unknown } = selectErrors(
          looked.flatMap((look) => look.messages),
          request.selection,
        );
        const { planned, faults } = await planRetryOf(await link.session(), messages, request);
        const json: RetryPlanJson = {
          planned: planned.slice(0, MOST_SHOWN).map(({ message: { key, queue, message }, target }) => ({
            ...{ key, queue, messageId: message.messageId },
            ...target,
          })),
          total: planned.length,
          faults: [
            ...faults,
            ...looked.flatMap(({ fault }) => (fault === undefined ? [] : [fault.message])),
            ...(unknown.length > 0 ? [`nothing is parked any more that is called ${unknown.join(', ')}`] : []),
          ],
        };
        return { json };
      },
    },
    {
      method: 'POST',
      path: 'api/errors/retry',
      needs: 'operate',
      act: 'errors.retry',
      run: async ({ body, user, from }) => {
        const request = retryRequest(await body());
        const queues = await chosenQueues(list, request.queues);
        const { selection, queues: _queues, ...choice } = request;
        const ids = selection === 'all' ? EVERYTHING : selection;
        const detail = JSON.stringify({ queues, ...choice });
        const entry = { ...user, from, what: 'errors.retry', ids, detail };
        return { status: 202, json: await begun(audit, entry, () => jobs.retry(request, queues, user)) };
      },
    },
    {
      method: 'POST',
      path: 'api/errors/resume',
      needs: 'operate',
      act: 'errors.resume',
      run: async ({ body, user, from }) => {
        const fields = new Fields(await body(), ['queues', 'rate']);
        const request: ResumeRequest = {
          queues: fields.optionalTexts('queues'),
          rate: fields.optionalNumber('rate', 0.01, FASTEST),
        };
        const known = await chosenQueues(list, request.queues);
        const staged = await list.lookForStaged();
        const queues = known.filter((queue) => (staged.get(queue) ?? 0) > 0);
        if (queues.length === 0)
          throw new ConsoleFault(
            404,
            'LEV_NOTHING_FOUND',
            'Nothing is on its way back: there is nothing to go on with.',
          );
        const entry = { ...user, from, what: 'errors.resume', ids: queues };
        return { status: 202, json: await begun(audit, entry, () => jobs.resume(request, queues, user)) };
      },
    },
    { method: 'GET', path: 'api/jobs', needs: 'read', run: async () => ({ json: jobs.all }) },
    {
      method: 'GET',
      path: 'api/jobs/:id',
      needs: 'read',
      run: async ({ params }) => ({ json: jobs.get(params['id'] ?? '') ?? noJob() }),
    },
    {
      method: 'POST',
      path: 'api/jobs/:id/stop',
      needs: 'operate',
      act: 'jobs.stop',
      run: async ({ body, params: { id = '' }, user, from }) => {
        new Fields(await body(), []);
        if (jobs.get(id) === undefined) noJob();
        await audit.begin({ ...user, from, what: 'jobs.stop', ids: [id], ok: true });
        return { status: 202, json: jobs.stop(id) ?? noJob() };
      },
    },
  ];
}

/** Begins a job, which notes its end itself. */
async function begun(audit: AuditLog, entry: Omit<AuditEntry, 'ok'>, begin: () => JobJson): Promise<JobJson> {
  await audit.begin({ ...entry, ok: true });
  try {
    return begin();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    await audit.note({ ...entry, what: `${entry.what}.end`, detail, ok: false });
    throw error;
  }
}

function retryRequest(body: Readonly<Record<string, unknown>>): RetryRequest {
  const fields = new Fields(body, ['queues', 'selection', 'to', 'via', 'rate', 'canary', 'canaryTimeoutMs']);
  return {
    queues: fields.optionalTexts('queues'),
    selection: fields.allOrTexts('selection'),
    to: fields.optionalText('to', 255),
    via: fields.optionalWord('via', ['queue', 'exchange']),
    rate: fields.optionalNumber('rate', 0.01, FASTEST),
    canary: fields.optionalNumber('canary', 0, MOST_CANARIES),
    canaryTimeoutMs: fields.optionalNumber('canaryTimeoutMs', 100, LONGEST_CANARY_MS),
  };
}

function noJob(): JobJson {
  throw new ConsoleFault(
    404,
    'LEV_NOTHING_FOUND',
    'There is no such job. Jobs are remembered by the console that began them, while it runs.',
  );
}
