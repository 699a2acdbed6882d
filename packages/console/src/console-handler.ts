import type { IncomingMessage, ServerResponse } from 'node:http';
import { applicationRoutes } from './api/application-routes.js';
import type { ConsoleParts } from './api/console-parts.js';
import { discardRoutes } from './api/discard-routes.js';
import { editRoutes } from './api/edit-routes.js';
import { lookRoutes } from './api/look-routes.js';
import { retryRoutes } from './api/retry-routes.js';
import { ListenerView } from './application/show-listeners.js';
import { BrokerLink } from './broker/broker-link.js';
import { ErrorQueueList } from './broker/error-queue-list.js';
import { Looks } from './broker/looks.js';
import { EventStreams } from './http/event-streams.js';
import { type FastifyLike, mountInFastify } from './http/mount-in-fastify.js';
import { PageFiles } from './http/page-files.js';
import { Live } from './live/live.js';
import { MaskPaths } from './mask/mask-paths.js';
import { type ConsoleOptions, type ResolvedConsoleOptions, resolveConsoleOptions } from './options/console-options.js';
import { Gate } from './server/gate.js';
import { RequestHandler } from './server/request-handler.js';
import { sessionInfo } from './server/session-info.js';
import { AuditLog } from './work/audit-log.js';
import { auditFile, auditQueue } from './work/audit-sinks.js';
import { Jobs } from './work/jobs.js';

/**
 * The console, as a function of node:http: it answers requests below its path, and calls `next` for others. Express takes it as
 * it is, by `app.use('/leveret', handler)`; Fastify takes {@link ConsoleHandler.fastify}.
 */
export interface ConsoleHandler {
  (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void): void;
  /** For `app.register(handler.fastify, { prefix: '/leveret' })`. */
  readonly fastify: (instance: FastifyLike, options: unknown, done: () => void) => void;
  /**
   * What retries that ended in the middle have left on its way back, by error queue: the page offers to go on with it.
   * @throws {LeveretError} when the broker cannot be asked
   */
  staged(): Promise<ReadonlyMap<string, number>>;
  /** Stops its jobs (what they have not sent goes back into its queue, within 10 s), ends its pages, closes its connection. Never rejects. */
  close(): Promise<void>;
}

/**
 * Makes a console to be mounted into a server. It connects when it is first asked for something.
 * @throws {ConfigurationError} with every option that is unknown or wrong
 */
export function consoleHandler(options: ConsoleOptions): ConsoleHandler {
  const resolved = resolveConsoleOptions(options);
  const { clock, logger } = resolved;
  const streams = new EventStreams(clock);
  const parts = partsOf(resolved, streams);
  const live = new Live(parts, streams, clock);
  const gate = new Gate(resolved);
  const handler = new RequestHandler({
    ...{ clock, logger, gate, streams, live },
    audit: parts.audit,
    files: PageFiles.read(),
    routes: [lookRoutes, retryRoutes, editRoutes, discardRoutes, applicationRoutes].flatMap((routes) => routes(parts)),
    sessionInfo: (user) => sessionInfo(parts, resolved, user),
  });
  const handle =
    (prefix: string) => (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => {
      void handler.handle(request, response, prefix, next);
    };
  return Object.assign(handle(resolved.path), {
    fastify: mountInFastify(handle),
    staged: () => parts.list.lookForStaged(),
    async close() {
      live.close();
      await parts.jobs.close();
      streams.close();
      await parts.audit.close();
      await parts.link.close();
    },
  });
}

function partsOf(options: ResolvedConsoleOptions, streams: EventStreams): ConsoleParts {
  const { clock, logger, connection, management, queues = [], app, outbox, plan, limits, undoForMs } = options;
  const link = new BrokerLink(
    { ...(connection && { connection }), ...(management !== undefined && { management }) },
    clock,
    logger,
  );
  const list = new ErrorQueueList(link, clock, queues);
  const looks = new Looks(link, list, clock, options.lookAgainAfterMs, limits);
  const mask = { paths: new MaskPaths(options.mask), showUnreadable: options.showUnreadable };
  const { audit: target } = options;
  const sink = target && ('file' in target ? auditFile(target.file) : auditQueue(target.queue, link));
  const audit = new AuditLog({ clock, logger, sink, onEntry: (data) => streams.send({ name: 'audit', data }, true) });
  const tell = (data: Parameters<ConstructorParameters<typeof Jobs>[0]['tell']>[0]) =>
    streams.send({ name: 'job', data }, true);
  const jobs = new Jobs({ link, list, looks, audit, clock, mask, limits, tell });
  const listeners = app && new ListenerView(app, clock);
  return { clock, link, list, looks, jobs, audit, mask, limits, undoForMs, app, listeners, outbox, plan };
}
