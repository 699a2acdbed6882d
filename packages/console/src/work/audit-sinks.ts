import { randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { publishOne } from '@leveret/operations';
import type { BrokerLink } from '../broker/broker-link.js';
import type { AuditJson } from '../contract/contract.js';

/** Where entries of the audit log are kept. */
export interface AuditSink {
  /** Resolves once it is kept. */
  write(entry: AuditJson): Promise<void>;
  close(): Promise<void>;
}

/** A line of JSON for each entry, at the end of a file that only its owner may read. */
export function auditFile(path: string): AuditSink {
  let opening: Promise<FileHandle> | undefined;
  let before: Promise<unknown> = Promise.resolve();
  const append = async (line: string): Promise<void> => {
    opening ??= open(path, 'a', 0o600);
    const file = await opening.catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    await file.appendFile(line);
    await file.datasync();
  };
  return {
    write(entry) {
      const written = before.then(() => append(`${JSON.stringify(entry)}\n`));
      before = written.catch(() => {});
      return written;
    },
    async close() {
      await before;
      await (await opening)?.close();
    },
  };
}

/** A message for each entry in a durable queue, confirmed. The queue is declared when it is not there. */
export function auditQueue(name: string, link: BrokerLink): AuditSink {
  return {
    async write(entry) {
      const session = await link.session();
      if ((await session.broker.queue(name)) === undefined) await session.broker.declareQueue(name);
      await publishOne(session, {
        exchange: '',
        routingKey: name,
        body: Buffer.from(JSON.stringify(entry)),
        properties: {
          contentType: 'application/json',
          messageId: randomUUID(),
          type: 'leveret.audit',
          timestamp: Math.floor(entry.at / 1000),
        },
      });
    },
    async close() {},
  };
}
