// Mounting, starting.
export { type ConsoleHandler, consoleHandler } from './console-handler.js';
export { type RunningConsole, startConsole, type StartConsoleOptions } from './start-console.js';
export type { AuditTarget, ConsoleOptions } from './options/console-options.js';
export { type ConsoleTokens, makeToken } from './security/tokens.js';
export type { ConsoleUser } from './security/sessions.js';
export type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from './http/mount-in-fastify.js';
// What it shows of an application.
export type {
  ConsoleApplication,
  ConsoleListener,
  ConsoleOutbox,
  ConsoleOutboxRow,
  ConsoleSchedule,
} from './application/console-application.js';
// What goes over HTTP.
export type { AuditJson, Role } from './contract/contract.js';
export { CSRF_HEADER, MASK } from './contract/contract.js';
