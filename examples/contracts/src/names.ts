/**
 * What the services call things on the broker.
 * @param run several runs may share a broker: tells their names apart
 */
export function namesOf(run: string | undefined) {
  const named = (name: string) => `leveret.examples.${name}${run === undefined ? '' : `.${run}`}`;
  return {
    /** The pay service publishes here, with the keys `pay.success` and `pay.refunded`. */
    payExchange: named('pay.direct'),
    tradePayQueue: named('trade.pay.success.queue'),
    tradeRefundQueue: named('trade.pay.refunded.queue'),
    errorExchange: named('error.direct'),
    errorQueue: named('error.queue'),
    deadExchange: named('dead.direct'),
    deadQueue: named('dead.queue'),
  };
}

/** The names of this run, which `LEVERET_EXAMPLES_RUN` names. */
export const names = namesOf(process.env['LEVERET_EXAMPLES_RUN']);
