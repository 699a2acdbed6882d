import { readFileSync } from 'node:fs';
import { escapeText, type Message } from '@leveret/core';
import { publishOne, tail } from '@leveret/operations';
import type { Command } from 'commander';
import type { GlobalOptions } from '../io/connection.js';
import type { Context } from '../io/context.js';
import { collectWhole, readCount } from '../text/read-values.js';

interface TailFlags extends GlobalOptions {
  readonly exchange?: string;
  readonly key?: string;
  readonly count?: number;
}

interface PublishFlags extends GlobalOptions {
  readonly exchange?: string;
  readonly key?: string;
  readonly queue?: string;
  readonly body?: string;
  readonly bodyFile?: string;
  readonly header?: readonly string[];
  readonly type?: string;
  readonly messageId?: string;
  readonly contentType: string;
}

/** `leveret tail`, `leveret publish` */
export function liveCommands(program: Command, context: Context): void {
  program
    .command('tail')
    .description('Follow messages by copies: nothing is taken from anybody')
    .argument('[queue]', 'a queue with bindings, or a stream')
    .option('--exchange <name>', 'what is published to this exchange instead')
    .option('--key <routing key>', 'with --exchange: only this key (default: #)')
    .option('-n, --count <n>', 'end after so many', readCount(1))
    .addHelpText(
      'after',
      '\nExamples:\n  leveret tail orders\n  leveret tail --exchange pay.topic --key "pay.#" --json | jq .body',
    )
    .action(async (queue: string | undefined, _options: unknown, command: Command) => {
      const options: TailFlags = command.optsWithGlobals();
      const { exchange, key, count = Number.POSITIVE_INFINITY } = options;
      if ((queue === undefined) === (exchange === undefined)) {
        command.error('error: name a queue, or an exchange by --exchange.');
      }
      const source =
        exchange === undefined
          ? { queue: queue as string }
          : { exchange, ...(key === undefined ? {} : { routingKey: key }) };
      const enough = new AbortController();
      let seen = 0;
      await context.connected(options, (session) =>
        tail(session, source, {
          signal: AbortSignal.any([context.io.signal, enough.signal]),
          onReady: () => context.io.err('following; Ctrl-C ends it\n'),
          onMessage: (message) => {
            if (++seen > count) return;
            context.io.out(options.json === true ? `${JSON.stringify(lineOf(message))}\n` : textOf(message));
            if (seen === count) enough.abort();
          },
        }),
      );
    });

  program
    .command('publish')
    .description('Publish one message, confirmed; refused when no queue takes it')
    .option('--exchange <name>', 'exchange')
    .option('--key <routing key>', 'routing key', '')
    .option('--queue <name>', 'straight to this queue instead')
    .option('--body <text>', 'body')
    .option('--body-file <file>', 'body; - reads it from standard input')
    .option('--header <name=value>', 'a header; repeated', collectWhole)
    .option('--type <type>', 'property type')
    .option('--message-id <id>', 'property messageId')
    .option('--content-type <type>', 'property contentType', 'application/json')
    .addHelpText(
      'after',
      `\nExamples:\n  leveret publish --queue orders --body '{"id":1}'\n  leveret publish --exchange pay.direct --key pay.success --body-file paid.json`,
    )
    .action(async (_options: unknown, command: Command) => {
      const options: PublishFlags = command.optsWithGlobals();
      const { exchange, key = '', queue, type, messageId, contentType, header = [] } = options;
      if ((exchange === undefined) === (queue === undefined)) {
        command.error('error: say where: --queue, or --exchange and --key.');
      }
      const body = await bodyOf(options, context, command);
      const headers = Object.fromEntries(
        header.map((each) => {
          const at = each.indexOf('=');
          if (at <= 0) command.error(`error: expected name=value as --header, received ${JSON.stringify(each)}`);
          return [each.slice(0, at), each.slice(at + 1)];
        }),
      );
      await context.connected(options, async (session) => {
        const place =
          queue === undefined ? { exchange: exchange ?? '', routingKey: key } : { exchange: '', routingKey: queue };
        const id = messageId ?? crypto.randomUUID();
        await publishOne(session, { ...place, body, headers, properties: { contentType, type, messageId: id } });
        context.result(options, { ...place, messageId: id, bytes: body.length }, () => `Confirmed, as ${id}.\n`);
      });
    });
}

async function bodyOf({ body, bodyFile }: PublishFlags, { io }: Context, command: Command): Promise<Buffer> {
  if ((body === undefined) === (bodyFile === undefined)) command.error('error: give the body: --body, or --body-file.');
  if (body !== undefined) return Buffer.from(body);
  return bodyFile === '-' ? Buffer.from(await io.input()) : readFileSync(bodyFile as string);
}

function lineOf({ body, headers, exchange, routingKey, messageId, type, contentType }: Message): unknown {
  const text = body.toString('utf8');
  const shown = Buffer.from(text).equals(body) ? { body: text } : { bodyBase64: body.toString('base64') };
  return { exchange, routingKey, messageId, type, contentType, headers, ...shown };
}

function textOf({ body, exchange, routingKey, messageId, type }: Message): string {
  const facts = [`${exchange || '(default)'} ${routingKey}`, messageId, type].filter((fact) => fact !== undefined);
  return `${escapeText(facts.join('  '))}\n  ${escapeText(body.toString('utf8', 0, 2000))}\n`;
}
