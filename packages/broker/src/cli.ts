import { Broker } from './broker.js';
import { readCommandLine, startFault, USAGE } from './command-line.js';

const asked = readCommandLine(process.argv.slice(2));
if (asked.kind === 'help') process.stdout.write(USAGE);
else if (asked.kind === 'refused') refuse(`${asked.faults.join('\n')}\n\n${USAGE}`);
else {
  const { options } = asked;
  const onClientRefused = ({ address, reason }: { readonly address: string; readonly reason: string }): void => {
    process.stderr.write(`${new Date().toISOString()} turned ${address} away: ${reason}\n`);
  };
  try {
    const broker = await Broker.start({ ...options, onClientRefused });
    // Before the first word: whoever waits for that may end it at once.
    const stop = (): void => void broker.close();
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    process.stdout.write(`listening on ${broker.url}\n`);
    process.stdout.write(`behaves as RabbitMQ ${broker.release}, and keeps everything in memory; Ctrl-C ends it\n`);
    if (broker.managementUrl !== undefined) process.stdout.write(`management API on ${broker.managementUrl}\n`);
  } catch (error) {
    // What the options hold is checked by the broker: the usage says what there is.
    refuse(`${startFault(error, options)}\n${error instanceof TypeError ? `\n${USAGE}` : ''}`);
  }
}

function refuse(text: string): void {
  process.stderr.write(text);
  process.exitCode = 1;
}
