import { expect } from 'chai';
import { Exclude, Expose, Type } from 'class-transformer';
import { IsString, ValidateNested } from 'class-validator';
import { Listener, type LogFields, type Logger, Payload, SendTo } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

class Card {
  @Exclude() number = '4111111111111111';
  @Expose({ name: 'card_holder' }) @IsString() holder = 'Ada';
}

class Payment {
  @ValidateNested() @Type(() => Card) card = new Card();
}

onEachBroker('when a class says how it is written', (broker) => {
  it('obeys it in messages, batches, requests and replies, and reads what it wrote', async () => {
    const raw = await broker.raw();
    const [pay, copies] = [unique('pay'), await raw.declare(unique('copies'))];
    const holders: string[] = [];
    class Payments {
      @Listener({ queue: pay })
      @SendTo(`/${copies}`)
      onPay(@Payload() payment: Payment): Card {
        holders.push(payment.card.holder);
        return payment.card;
      }
    }
    await using running = await startApp(broker.url, { listeners: [Payments] });
    const { publisher } = running.app;
    await publisher.sendToQueue(pay, new Payment());
    await publisher.publishAll([{ queue: copies, payload: { payments: [new Payment()] } }]);
    const reply = await publisher.request('', pay, new Payment(), { replyType: Card });
    expect(reply).to.be.instanceOf(Card).and.to.include({ holder: 'Ada' });
    await eventually('all copies', async () => (await raw.ready(copies)) === 2);
    const bodies = (await raw.takeAll(copies)).map(({ text }) => text);
    expect(bodies.sort()).to.deep.equal(['{"card_holder":"Ada"}', '{"payments":[{"card":{"card_holder":"Ada"}}]}']);
    expect(holders).to.deep.equal(['Ada', 'Ada']);
  });

  it('shows nothing of a stranger as it came, and nothing of a body, above debug', async () => {
    const lines: string[] = [];
    const line = (level: string) => (fields: LogFields, text: string) => {
      if (level === 'debug') return;
      const { err, ...rest } = fields;
      lines.push(`${text} ${Object.values(rest).join(' ')} ${err instanceof Error ? err.message : ''}`);
    };
    const logger: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const raw = await broker.raw();
    const queue = unique('forged');
    class Forged {
      @Listener({ queue, validation: { whitelist: true, forbidNonWhitelisted: true } })
      on(@Payload() _payment: Payment): void {}
    }
    await using running = await startApp(broker.url, { listeners: [Forged], logger });
    const forged = '\u001b[2K\n2026-01-01T00:00:00Z INFO  paid\u202e\u009b\u2028';
    await raw.send(queue, { [forged]: 1, card: {} }, { messageId: forged });
    await raw.send(queue, {}, { contentEncoding: forged });
    await raw.send(queue, {}, { contentType: `text/plain${forged}` });
    await raw.send(queue, undefined, { body: Buffer.from(`{"card":"4111111111111111", ${forged}`) });
    await raw.send(queue, '4111111111111111');
    await eventually('five invalid messages', () => running.count('invalid') === 5);
    expect(lines).to.have.length.of.at.least(5);
    for (const text of lines)
      expect(text)
        .to.match(/^[^\p{C}\p{Zl}\p{Zp}]*$/u)
        .and.not.contain('4111');
  });
});
