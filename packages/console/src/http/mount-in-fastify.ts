import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the console needs of Fastify. */
export interface FastifyLike {
  readonly prefix: string;
  removeAllContentTypeParsers(): void;
  addContentTypeParser(
    type: string,
    parser: (request: never, payload: never, done: (error: Error | null, body?: unknown) => void) => void,
  ): unknown;
  all(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void): unknown;
}

export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
}

export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** A plugin that gives Fastify's requests to the console as they came, bodies unread. */
export function mountInFastify(handleAt: (prefix: string) => Handle) {
  return (instance: FastifyLike, _options: unknown, done: () => void): void => {
    const handle = handleAt(instance.prefix);
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    const pass = ({ raw }: FastifyRequestLike, reply: FastifyReplyLike) => {
      reply.hijack();
      handle(raw, reply.raw);
    };
    instance.all('/', pass);
    instance.all('/*', pass);
    done();
  };
}
