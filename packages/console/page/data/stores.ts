import type {
  DiscardJson,
  FaultJson,
  JobJson,
  ListenerJson,
  OutboxCountsJson,
  QueueCountJson,
  ScheduleJson,
  SessionJson,
} from '../../src/contract/contract.js';
import { Store } from './store.js';

/** Who is looking; `asking` until that is known, `none` when somebody has to log in. */
export const session = new Store<SessionJson | 'asking' | 'none'>('asking');

/** Whether what is shown follows what happens. */
export const connection = new Store<'connecting' | 'live' | 'lost'>('connecting');

export const queues = new Store<readonly QueueCountJson[] | undefined>(undefined);
/** Newest first. */
export const jobs = new Store<readonly JobJson[]>([]);
export const discards = new Store<readonly DiscardJson[]>([]);
export const listeners = new Store<readonly ListenerJson[] | undefined>(undefined);
export const outboxCounts = new Store<OutboxCountsJson | undefined>(undefined);
export const schedules = new Store<readonly ScheduleJson[] | undefined>(undefined);
/** Goes up with each act that was heard of. */
export const acts = new Store(0);
/** What the server cannot ask the broker at present. */
export const serverFault = new Store<FaultJson['error'] | undefined>(undefined);
/** The last thing done, in a sentence. */
export const notice = new Store<string>('');
/** Milliseconds since the epoch, once a second: what texts of time are drawn by. */
export const now = new Store(Date.now());

/** Whether this person may act. */
export function mayOperate(who: SessionJson | 'asking' | 'none'): boolean {
  return typeof who === 'object' && who.role === 'operate';
}
