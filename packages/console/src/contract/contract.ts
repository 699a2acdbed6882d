/**
 * What goes over HTTP between the console and its page, as JSON. Times are milliseconds since the epoch. All addresses are relative
 * to where the console is mounted. A fault is a status from 400 on with a {@link FaultJson}.
 *
 * | address | answers |
 * |---|---|
 * | `POST api/session` {@link LoginRequest} | {@link SessionJson} and a cookie; 401 for a wrong token, 429 after too many |
 * | `GET api/session`, `DELETE api/session` | {@link SessionJson}; 204 |
 * | `GET api/events` | server-sent events, see {@link EventsJson}; each with an id |
 * | `GET api/errors/queues` | {@link QueueCountJson}[], without looking into the queues |
 * | `GET api/errors?queue=a&queue=b&refresh=1` | {@link ErrorsJson}; a look is shared for some seconds unless `refresh` is given |
 * | `GET api/errors/groups/:id/messages?queue=a&after=cursor&limit=50` | {@link MessagePageJson} |
 * | `GET api/errors/messages/:key?queue=a` | {@link MessageJson}; 404 when it is parked no more |
 * | `GET api/errors/export?queue=a&id=b` | JSON lines as `errors export` writes them, masked; `id` repeated: keys or groups |
 * | `POST api/errors/retry/plan` {@link RetryRequest} | {@link RetryPlanJson} |
 * | `POST api/errors/retry` {@link RetryRequest} | 202 {@link JobJson} |
 * | `POST api/errors/resume` {@link ResumeRequest} | 202 {@link JobJson}: goes on with what is staged |
 * | `GET api/jobs`, `GET api/jobs/:id` | {@link JobJson}[], newest first; {@link JobJson} |
 * | `POST api/jobs/:id/stop` `{}` | 202 {@link JobJson} |
 * | `POST api/errors/edit/plan`, `POST api/errors/edit` {@link EditRequest} | {@link EditJson} |
 * | `POST api/errors/discard` {@link DiscardRequest} | {@link DiscardJson} |
 * | `GET api/errors/discards` | {@link DiscardJson}[] that can still be undone |
 * | `POST api/errors/discard/undo` {@link UndoRequest} | `{ back: number }` |
 * | `GET api/listeners` | {@link ListenerJson}[] |
 * | `POST api/listeners/pause`, `POST api/listeners/resume` {@link ListenerRequest} | {@link ListenerJson} |
 * | `GET api/topology` | {@link TopologyJson} |
 * | `GET api/outbox?after=0` | {@link OutboxJson} |
 * | `POST api/outbox/requeue` {@link RequeueRequest} | `{ requeued: number }` |
 * | `GET api/schedules` | {@link ScheduleJson}[] |
 * | `GET api/audit` | {@link AuditJson}[], newest first, the last 500 |
 *
 * A POST or DELETE carries `content-type: application/json` and, but for the login, the header `x-leveret-csrf`.
 */

/** `read` sees everything that is not masked; `operate` also acts. */
export type Role = 'read' | 'operate';

/** Header that carries {@link SessionJson.csrf} back. */
export const CSRF_HEADER = 'x-leveret-csrf';

/** Stands in for every masked value. Sent back unedited at its path it means the original. */
export const MASK = '•••masked•••';

export interface FaultJson {
  readonly error: { readonly code: string; readonly message: string };
}

export interface LoginRequest {
  /** The console prints an address that ends in `#token=…`: the page takes it from there, and takes it out of the address. */
  readonly token: string;
  /** Who it is, for the audit log, up to 64 characters. Taken at its word. */
  readonly name?: string | undefined;
}

/** Who is looking, and what this console can show. */
export interface SessionJson {
  readonly role: Role;
  readonly who: string;
  /** Sent back in {@link CSRF_HEADER}. */
  readonly csrf: string;
  /** When the session ends. Absent where the application that it is mounted into says who is who: then there is no login. */
  readonly expiresAt?: number | undefined;
  readonly broker: {
    /** Without credentials. */
    readonly url: string;
    readonly product: string;
    readonly version: string;
    /** Whether the management API answers. Without it queues are those named by option, and there is no topology of others. */
    readonly management: boolean;
  };
  readonly features: {
    readonly listeners: boolean;
    readonly outbox: boolean;
    readonly schedules: boolean;
    readonly topology: boolean;
  };
  /** What it cannot show, in sentences, with the way to change that. */
  readonly cannotShow: readonly string[];
  /** Configured paths. */
  readonly masked: readonly string[];
}

/** The `data` of the server-sent events, by the name of the event. */
export interface EventsJson {
  readonly queues: readonly QueueCountJson[];
  /** One job that moved. */
  readonly job: JobJson;
  readonly listeners: readonly ListenerJson[];
  readonly outbox: OutboxCountsJson;
  readonly schedules: readonly ScheduleJson[];
  /** One act. */
  readonly audit: AuditJson;
  /** What is asked for regularly could not be had, e.g. because the broker is away; `null` once it can. */
  readonly fault: FaultJson['error'] | null;
}

export interface QueueCountJson {
  readonly name: string;
  readonly type: string;
  readonly messages: number;
  readonly consumers: number;
  /** Why it counts as an error queue. */
  readonly because: string;
  /** On their way back since a process ended in the middle of a retry, or while one is going on. */
  readonly staged: number;
}

export interface HistogramJson {
  readonly from: number;
  readonly stepMs: number;
  readonly counts: readonly number[];
}

export interface GroupJson {
  readonly id: string;
  readonly count: number;
  readonly firstSeen?: number | undefined;
  readonly lastSeen?: number | undefined;
  readonly source: string;
  readonly errorName?: string | undefined;
  readonly errorMessage?: string | undefined;
  readonly reason?: string | undefined;
  readonly listeners: readonly string[];
  readonly services: readonly string[];
  /** Queues that they failed in, and queues that they are parked in. */
  readonly failedQueues: readonly string[];
  readonly queues: readonly string[];
  readonly sampleKey: string;
  /** Queue of the sample. */
  readonly sampleQueue: string;
  /** Last failures over time; the same `from` and `stepMs` for every group of one answer. No counts when no message says when. */
  readonly histogram: HistogramJson;
}

export interface LookedQueueJson {
  readonly name: string;
  readonly messages: number;
  /** `false`: only the first of its messages were looked at. */
  readonly complete: boolean;
  /** Consumers of others: what they hold is not seen. */
  readonly otherConsumers: number;
  readonly staged: number;
  /** It could not be looked at. */
  readonly fault?: FaultJson['error'] | undefined;
}

export interface ErrorsJson {
  readonly lookedAt: number;
  readonly queues: readonly LookedQueueJson[];
  /** The largest first, 500 at most. */
  readonly groups: readonly GroupJson[];
  /** So many smaller groups are left out. */
  readonly moreGroups: number;
}

export interface MessageSummaryJson {
  /** Stays the same while it is parked; unique within its queue. */
  readonly key: string;
  readonly queue: string;
  readonly position: number;
  readonly messageId?: string | undefined;
  /** {@link GroupJson.id} */
  readonly group: string;
  readonly failedAt?: number | undefined;
  readonly attempts?: number | undefined;
  readonly preview: string;
}

export interface MessagePageJson {
  readonly messages: readonly MessageSummaryJson[];
  /** As `after` of the next page; absent on the last. */
  readonly next?: string | undefined;
  readonly total: number;
}

/** `json`: pretty; `text`: as it is; `binary`: a hex dump. */
export type BodyKind = 'json' | 'text' | 'binary' | 'empty';

export interface BodyJson {
  readonly kind: BodyKind;
  readonly text: string;
  /** Of the whole body. */
  readonly bytes: number;
  /** Only the beginning is here: then it cannot be edited. */
  readonly truncated: boolean;
  /** Paths that hold {@link MASK}. */
  readonly masked: readonly string[];
}

export interface FailureJson {
  readonly source: string;
  readonly listener?: string | undefined;
  readonly service?: string | undefined;
  readonly queue?: string | undefined;
  readonly reason?: string | undefined;
  readonly errorName?: string | undefined;
  readonly errorMessage?: string | undefined;
  readonly stack?: string | undefined;
  readonly attempts?: number | undefined;
  readonly redeliveries?: number | undefined;
  readonly firstFailedAt?: number | undefined;
  readonly lastFailedAt?: number | undefined;
}

export interface TimelineJson {
  readonly at?: number | undefined;
  readonly what: 'published' | 'attempts' | 'redelivered' | 'dead-lettered' | 'parked' | 'edited' | 'retried';
  /** Queue or exchange. */
  readonly where?: string | undefined;
  readonly detail?: string | undefined;
}

export interface TargetJson {
  /** `''`: the default exchange, so that the routing key names the queue. */
  readonly exchange: string;
  readonly routingKey: string;
}

export interface MessageJson extends MessageSummaryJson {
  readonly body: BodyJson;
  readonly properties: Readonly<Record<string, unknown>>;
  /** All of them, those of the failure included. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Names of the headers that a person may change: not those that say why it failed. */
  readonly ownHeaders: readonly string[];
  /** It was delivered with these. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly failure: FailureJson;
  readonly timeline: readonly TimelineJson[];
  /** Where a retry sends it; absent when that has to be said. */
  readonly target?: TargetJson | undefined;
  /** Why there is no target. */
  readonly noTarget?: string | undefined;
}

export interface RetryRequest {
  /** Default: all queues that the console shows. */
  readonly queues?: readonly string[] | undefined;
  /** Keys or groups. */
  readonly selection: 'all' | readonly string[];
  /** To this queue instead. */
  readonly to?: string | undefined;
  readonly via?: 'queue' | 'exchange' | undefined;
  /** Messages in a second. Default: as fast as the broker confirms. */
  readonly rate?: number | undefined;
  /** So many first. Default 0. */
  readonly canary?: number | undefined;
  /** Default 60,000. */
  readonly canaryTimeoutMs?: number | undefined;
}

export interface RetryPlanJson {
  /** The first 100. */
  readonly planned: readonly ({
    readonly key: string;
    readonly messageId?: string | undefined;
    readonly queue: string;
  } & TargetJson)[];
  readonly total: number;
  /** Why it cannot be done; then nothing would be touched. */
  readonly faults: readonly string[];
}

export interface ResumeRequest {
  /** Default: all that have something staged. */
  readonly queues?: readonly string[] | undefined;
  readonly rate?: number | undefined;
}

export interface JobJson {
  readonly id: string;
  readonly kind: 'retry' | 'resume';
  readonly who: string;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
  readonly request: RetryRequest | ResumeRequest;
  /** `done`: all were sent; `stopped`: not all, {@link stopped} says why; `failed`: {@link error} says why. */
  readonly phase: 'looking' | 'resuming' | 'canary' | 'waiting' | 'sending' | 'done' | 'stopped' | 'failed';
  /** Of `total`, over all phases. */
  readonly sent: number;
  /** 0 until it is known. */
  readonly total: number;
  /** In a second, over the last seconds. */
  readonly rateNow?: number | undefined;
  readonly canary?:
    | {
        readonly sent: number;
        readonly handled: number;
        readonly failed: number;
        readonly silent: number;
        /** What the first of them failed with. */
        readonly errors: readonly string[];
      }
    | undefined;
  /** Not touched, or put back: parked as before. */
  readonly left: number;
  readonly stopped?: 'canary-failed' | 'canary-silent' | 'aborted' | 'refused' | undefined;
  readonly error?: FaultJson['error'] | undefined;
}

export interface EditRequest {
  readonly key: string;
  readonly queue: string;
  /** The whole body as text; left out: as it is. {@link MASK} at a masked path means the original. */
  readonly body?: string | undefined;
  /** Changed headers only; `null` takes one away. */
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly to?: string | undefined;
  readonly via?: 'queue' | 'exchange' | undefined;
}

export interface EditJson {
  /** Of the edited message. The same edit of the same message has the same. */
  readonly messageId: string;
  /** Pretty where it is JSON, masked. */
  readonly before: string;
  readonly after: string;
  readonly headersBefore: Readonly<Record<string, unknown>>;
  readonly headersAfter: Readonly<Record<string, unknown>>;
  readonly target: TargetJson;
  /** What the new id means to whoever remembers ids, in a sentence. */
  readonly idempotency: string;
  readonly sent: boolean;
}

export interface DiscardRequest {
  readonly queues?: readonly string[] | undefined;
  readonly selection: 'all' | readonly string[];
}

export interface DiscardJson {
  readonly discarded: number;
  readonly undo: string;
  readonly undoUntil: number;
  readonly queues: readonly string[];
  /** Nobody is named where it was another console, or the command line. */
  readonly who?: string;
}

export interface UndoRequest {
  readonly undo: string;
}

export interface ListenerJson {
  readonly id: string;
  readonly queue: string;
  readonly state: string;
  readonly busy: number;
  readonly concurrency: number;
  readonly handledPerSecond?: number | undefined;
  readonly failedPerSecond?: number | undefined;
  /** Since it started. */
  readonly handled: number;
  readonly failed: number;
  readonly parked: number;
  readonly pausedBecause?: string | undefined;
  /** What to do, where something is to be done. */
  readonly hint?: string | undefined;
}

export interface ListenerRequest {
  readonly id: string;
}

export interface TopologyNodeJson {
  /** `exchange:name`, `queue:name`, `consumer:tag`; unique. */
  readonly id: string;
  readonly kind: 'exchange' | 'queue' | 'consumer';
  /** `''` is the default exchange. */
  readonly name: string;
  /** `own`: one of the console's or of leveret's working queues. */
  readonly role?: 'error' | 'delay' | 'own' | undefined;
  /** Of an exchange or a queue. */
  readonly type?: string | undefined;
  readonly messages?: number | undefined;
  /** By the application that the console is mounted into. */
  readonly declared?: boolean | undefined;
}

export interface TopologyEdgeJson {
  readonly from: string;
  readonly to: string;
  readonly kind: 'binding' | 'dead-letter' | 'alternate' | 'consume';
  /** Routing key, or arguments of a headers exchange. */
  readonly label: string;
}

export interface TopologyJson {
  readonly nodes: readonly TopologyNodeJson[];
  readonly edges: readonly TopologyEdgeJson[];
  /** There is more than is shown: the first 2,000 nodes. */
  readonly truncated: boolean;
}

export interface OutboxCountsJson {
  readonly waiting: number;
  readonly scheduled: number;
  readonly parked: number;
  /** Waiting behind a parked one with the same order key. */
  readonly heldUp: number;
  readonly oldestMs: number;
}

export interface OutboxRowJson {
  readonly id: number;
  readonly messageId?: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly orderKey?: string | undefined;
  readonly createdAt: number;
  readonly parkedAt: number;
  readonly error: string;
  readonly preview: string;
}

export interface OutboxJson extends OutboxCountsJson {
  /** Parked ones, 100 a page. */
  readonly rows: readonly OutboxRowJson[];
  /** As `after` of the next page; absent on the last. */
  readonly next?: number | undefined;
}

export interface RequeueRequest {
  readonly ids: 'all' | readonly number[];
}

export interface ScheduleJson {
  readonly id: string;
  /** When it runs, such as `every 20000 ms`. */
  readonly rule: string;
  readonly state: 'stopped' | 'waiting' | 'running';
  readonly lastRun?: number | undefined;
  readonly lastDurationMs?: number | undefined;
  /** `succeeded`, or what it failed with. */
  readonly lastResult?: string | undefined;
  readonly nextRun?: number | undefined;
  readonly counts: {
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly elsewhere: number;
  };
}

/** One act; refused ones, too. */
export interface AuditJson {
  readonly at: number;
  readonly who: string;
  /** Address that the request came from. */
  readonly from?: string | undefined;
  /** Absent when nobody was logged in. */
  readonly role?: Role | undefined;
  /** Such as `errors.retry`, `session.login`. */
  readonly what: string;
  /** Keys, groups, listeners or rows: the first 100. */
  readonly ids: readonly string[];
  readonly count?: number | undefined;
  readonly detail?: string | undefined;
  readonly ok: boolean;
}
