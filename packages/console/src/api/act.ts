import type { ApiRequest } from '../http/api-route.js';
import type { AuditEntry, AuditLog } from '../work/audit-log.js';

/** What is noted of an act besides who did it. */
export type ActFacts = Pick<AuditEntry, 'what' | 'ids' | 'count' | 'detail'>;

/**
 * Does something that changes something: noted before it begins, and with what it came to.
 * @param result what is noted of the result
 * @throws {ConsoleFault} 503 when it cannot be noted: then nothing was done
 */
export async function act<T>(
  audit: AuditLog,
  { user, from }: Pick<ApiRequest, 'user' | 'from'>,
  facts: ActFacts,
  work: () => Promise<T>,
  result: (done: T) => Pick<AuditEntry, 'count' | 'detail'> = () => ({}),
): Promise<T> {
  await audit.begin({ ...user, from, ...facts, ok: true });
  const end = { ...user, from, what: `${facts.what}.end`, ids: facts.ids };
  try {
    const done = await work();
    await audit.note({ ...end, ...result(done), ok: true });
    return done;
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    await audit.note({ ...end, detail, ok: false });
    throw error;
  }
}
