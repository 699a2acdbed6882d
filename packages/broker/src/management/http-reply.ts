/** What a request is answered with. */
export interface HttpReply {
  readonly status: number;
  /** Sent as JSON; nothing when left out. */
  readonly body?: unknown;
}

/** A request that cannot be carried out, with the status and words of the answer. */
export class HttpError extends Error {
  readonly status: number;
  readonly error: string;
  readonly reason: string;

  constructor(status: number, error: string, reason: string) {
    super(reason);
    this.name = 'HttpError';
    this.status = status;
    this.error = error;
    this.reason = reason;
  }
}

/** 404, as the management plug-in words it. */
export function notFound(): HttpError {
  return new HttpError(404, 'Object Not Found', 'Not Found');
}

/** 400 with a reason. */
export function badRequest(reason: string): HttpError {
  return new HttpError(400, 'bad_request', reason);
}

/** 200 with a body. */
export function ok(body: unknown): HttpReply {
  return { status: 200, body };
}

/** 201 or 204, as for a resource that was or was not there. */
export function created(isNew: boolean): HttpReply {
  return { status: isNew ? 201 : 204 };
}

/** 204. */
export const NO_CONTENT: HttpReply = { status: 204 };
